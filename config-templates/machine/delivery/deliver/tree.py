"""Files of a delivery: staged in a folder as they will be on the machine, compared with it, and put in place."""

import json
import os
import shutil
from collections.abc import Iterable
from typing import Any

from deliver.delivery import Delivery
from deliver.placeholders import fill
from deliver.problem import Refused

LOCAL = "/etc/aerial/secrets/local.json"
DELIVERED = "/etc/aerial/secrets/delivered.json"


class Machine:
    """Where things are: below `root`, which is another folder in tests. Owners are left alone there."""

    def __init__(self, root: str = "/") -> None:
        self.root = root
        self.home = self.path("/var/lib/aerial/delivery")

    def path(self, absolute: str) -> str:
        return os.path.join(self.root, absolute.lstrip("/"))

    def own(self, path: str, owner: str) -> None:
        if self.root == "/":
            shutil.chown(path, *owner.split(":"))


class Tree:
    """A delivery's files with their secrets, in a folder that only root reads."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.folder = os.path.join(machine.home, name)
        # A power cut within `become`.
        if os.path.isdir(before(self.folder)) and not os.path.isdir(self.folder):
            os.replace(before(self.folder), self.folder)
        index = read_json(os.path.join(self.folder, "index.json"), {})
        # By path: mode, and owner.
        self.files: dict[str, tuple[int, str]] = {path: (mode, owner) for path, (mode, owner) in index.items()}

    @property
    def delivery(self) -> Delivery | None:
        """What it was filled with; None for a tree that is not there."""
        return read_json(os.path.join(self.folder, "delivery.json"), None)

    @property
    def root(self) -> str:
        """The folder that stands for the machine's own root."""
        return os.path.join(self.folder, "root")

    def staged(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def fill(self, delivery: Delivery) -> None:
        """Becomes this delivery. @throws Refused, before anything is written, when a secret is missing."""
        local = read_json(self.machine.path(LOCAL), {})
        texts: dict[str, tuple[str, int, str]] = {}
        for file in delivery["files"]:
            text = file["content"]
            if file["format"] is not None:
                try:
                    text = fill(text, file["format"], delivery["secrets"], local)
                except Refused as reason:
                    raise Refused(f"{file['path']}: {reason}") from None
            texts[file["path"]] = (text, int(file["mode"], 8), file["owner"])
        texts[LOCAL] = (json.dumps(local), 0o600, "root:root")
        texts[DELIVERED] = (json.dumps(delivery["secrets"]), 0o600, "root:root")

        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o700)
        os.mkdir(self.root)
        self.files = {}
        for path, (text, mode, owner) in texts.items():
            try:
                write(self.machine, self.staged(path), text, mode, owner)
            except LookupError:
                raise Refused(f"{path}: this machine has no user or group {owner}") from None
            self.files[path] = (mode, owner)
        write_json(self.machine, os.path.join(self.folder, "delivery.json"), delivery)
        write_json(self.machine, os.path.join(self.folder, "index.json"), self.files)

    def become(self, name: str) -> None:
        """Takes the place of the tree of this name."""
        folder = os.path.join(self.machine.home, name)
        # What is there is whole at any moment: removing it takes time.
        shutil.rmtree(before(folder), ignore_errors=True)
        if os.path.isdir(folder):
            os.replace(folder, before(folder))
        os.replace(self.folder, folder)
        shutil.rmtree(before(folder), ignore_errors=True)
        self.folder = folder

    def text(self, path: str) -> bytes:
        with open(self.staged(path), "rb") as file:
            return file.read()

    def differs(self, path: str) -> bool:
        """Whether the machine has another file there, or none."""
        mode, _ = self.files[path]
        place = self.machine.path(path)
        try:
            with open(place, "rb") as file:
                status = os.fstat(file.fileno())
                same = file.read() == self.text(path) and status.st_mode & 0o7777 == mode
        except FileNotFoundError:
            return True
        if self.machine.root != "/":
            return not same
        staged = os.stat(self.staged(path))
        return not same or (status.st_uid, status.st_gid) != (staged.st_uid, staged.st_gid)

    def changes(self, known: Iterable[str]) -> tuple[list[str], list[str]]:
        """Paths to be written, and those of `known` that are no longer wanted."""
        gone = [path for path in sorted(set(known) - set(self.files)) if os.path.lexists(self.machine.path(path))]
        return [path for path in self.files if self.differs(path)], gone

    def put(self, paths: list[str]) -> None:
        """Puts files in their places, each in one step."""
        for path in paths:
            mode, owner = self.files[path]
            write(self.machine, self.machine.path(path), self.text(path).decode(), mode, owner)


def before(folder: str) -> str:
    """Where a tree is while another one takes its place."""
    return folder + ".before"


def write(machine: Machine, path: str, text: str, mode: int, owner: str) -> None:
    """Replaces a file in one step: a reader, or a power cut, sees the old one or the new one."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    new = path + ".new"
    with open(new, "w", encoding="utf-8", newline="") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        machine.own(new, owner)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(new, path)


def write_json(machine: Machine, path: str, value: Any) -> None:
    write(machine, path, json.dumps(value), 0o600, "root:root")


def read_json(path: str, otherwise: Any) -> Any:
    """`otherwise` where there is no file, or a power cut tore it."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return otherwise
