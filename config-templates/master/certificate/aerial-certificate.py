#!/usr/bin/python3
"""The public certificate of the station, on a Master; on the monitoring machine, the one of its own name.

    aerial-certificate run       what the timer does: take a newer one over from another Master, or have one issued
    aerial-certificate renew     have a new one issued now, however young the present one is
    aerial-certificate status    what is in use, as JSON
    aerial-certificate prepare   folders, and a self-made certificate until there is a real one
    aerial-certificate arrive    take over what another Master has, now

Others' come over their certificate port; new ones from the authority by ACME HTTP-01 (lego), whose challenges NGINX
answers on every Master. A new one is installed in one step and NGINX reloaded, which drops no connection.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import authority
import certificate_rules as rules
import certificates
import files

HOME = "/var/lib/aerial/certificate"
REAL = f"{HOME}/certificate.pem"
TOLD = f"{HOME}/certificate.json"
SELF_MADE = f"{HOME}/self-made.pem"
# What NGINX shows: a link to one of the two.
SERVED = f"{HOME}/served.pem"
STATE = f"{HOME}/state.json"

# While there is no certificate, one run of the timer looks this often, for this long; but not for days.
LOOK_SECONDS = 3
LINGER_SECONDS = 100
LINGER_UNTIL_SECONDS = 900


def say(text: str) -> None:
    print(text, flush=True)


class Master:
    """This Master: its plan, and what it remembers from run to run."""

    def __init__(self) -> None:
        self.plan: dict = files.read_json("/etc/aerial/certificate.json")
        self.state = files.recall(STATE)

    def remember(self, **change: Any) -> None:
        self.state = {key: value for key, value in {**self.state, **change}.items() if value is not None}
        files.write(STATE, json.dumps(self.state))

    def held(self) -> certificates.Certificate | None:
        """The certificate that is installed, self-made ones apart."""
        pem = files.read_text(REAL)
        try:
            return None if pem is None else certificates.read_certificate(pem)
        except certificates.Unusable as reason:
            say(f"{REAL}: {reason}")
            return None

    def others(self, known_sha256: str | None) -> list[tuple[str, certificates.Certificate]]:
        """What the other Masters have, as (id, certificate). What is wrong with one is told once, until it changes."""
        login = files.read_text("/etc/aerial/link-login") or ""
        found: list[tuple[str, certificates.Certificate]] = []
        wrong: dict[str, str] = {}
        for peer in self.plan["peers"]:
            try:
                one = certificates.fetch_certificate({**peer, "ca": "/etc/aerial/tls/ca.pem"}, login, known_sha256)
                found += [] if one is None else [(peer["id"], one)]
            except (OSError, certificates.Unusable) as reason:
                wrong[peer["id"]] = f"{reason}"
                if self.state.get("wrong", {}).get(peer["id"]) != wrong[peer["id"]]:
                    say(f"master-{peer['id']} gives no certificate: {reason}")
        if wrong != self.state.get("wrong", {}):
            self.remember(wrong=wrong)
        return found


def prepare(plan: dict) -> None:
    """Folders, and something that NGINX can show from its first start."""
    os.umask(0o022)
    os.makedirs(authority.CHALLENGES, exist_ok=True)
    os.makedirs(HOME, exist_ok=True)
    os.umask(0o077)
    shutil.chown(HOME, "root", "www-data")
    os.chmod(HOME, 0o750)
    if os.path.exists(SERVED):
        return
    names = ",".join(f"DNS:{name}" for name in plan["names"])
    key = f"{HOME}/.self-made.key"
    try:
        certificate = certificates.openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", key),
            *("-days", "3650", "-subj", "/CN=self-made", "-addext", f"subjectAltName={names}"),
        )
        with open(key, encoding="utf-8") as file:
            files.write(SELF_MADE, certificate + file.read(), owner="www-data:www-data")
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(key)
    point_to(SELF_MADE)


def point_to(target: str) -> None:
    temporary = f"{SERVED}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(os.path.basename(target), temporary)
    os.replace(temporary, SERVED)


def install(master: Master, new: certificates.Certificate, source: str) -> None:
    # Remembered first: whatever interrupts this, the next run reloads NGINX.
    master.remember(reload=True, source=source)
    files.write(REAL, new.pem, owner="www-data:www-data")
    files.write(TOLD, json.dumps(new.describe()), mode=0o644)
    point_to(REAL)
    until = certificates.iso(new.not_after)
    say(f"installed a certificate ({source}) by {new.issuer}, until {until}, for {', '.join(new.names)}")
    reload_nginx(master)


def reload_nginx(master: Master) -> None:
    unit = "aerial-nginx.service"
    # One that does not run is started with it.
    if subprocess.run(["systemctl", "try-reload-or-restart", unit], check=False).returncode != 0:
        raise certificates.Unusable(f"{unit} refuses to reload; it still shows the certificate before")
    master.remember(reload=None)


def renew(master: Master, why: str) -> bool:
    """Has a certificate issued and installs it; a failure is remembered, so that the next attempt waits."""
    say(f"asking {master.plan['directoryUrl']} for a certificate: {why}")
    try:
        new = authority.issue(master.plan, f"{HOME}/acme")
    except certificates.Unusable as reason:
        failures = master.state.get("failures", 0) + 1
        wait = rules.retry_after(failures)
        master.remember(
            failures=failures,
            retryAt=time.time() + wait,
            failedUnanswered=master.state.get("answeredSince") is None,
            lastError=str(reason).splitlines()[-1],
        )
        say(f"no certificate was issued ({failures} in a row, next attempt in {wait // 60} min):\n{reason}")
        return False
    master.remember(failures=None, retryAt=None, failedUnanswered=None, lastError=None)
    install(master, new, "issued here")
    return True


def take_over(master: Master, held: certificates.Certificate | None) -> certificates.Certificate | None:
    """Installs what another Master has where that is better than what is held. Returns what counts from here on."""
    offered = master.others(held.sha256 if held else None)
    known = [one for one in [held, *(one for _id, one in offered)] if one]
    found = certificates.best(known, master.plan["names"], time.time())
    if found is not None and found is not held:
        install(master, found, "of master-" + next(name for name, one in offered if one is found))
    return found


def look(master: Master) -> bool:
    """One look at everything. Returns whether there is a reason to look again soon."""
    plan = master.plan
    held = master.held()
    if master.state.get("reload"):
        # An installation was interrupted.
        if held is not None:
            point_to(REAL)
        reload_nginx(master)
    found = take_over(master, held)
    known = None
    if found is not None:
        known = {"names": found.names, "notBefore": found.not_before, "notAfter": found.not_after}

    wanted = rules.need(time.time(), plan["names"], plan["rank"], known)
    if wanted != "first":
        if "wantedSince" in master.state:
            master.remember(wantedSince=None, answeredSince=None, unanswered=None)
    else:
        note_answers(master)
    now = time.time()
    ask, why = rules.verdict(now, plan["rank"], wanted, master.state)
    if ask:
        renew(master, why)
        return False
    return wanted == "first" and now - master.state["wantedSince"] < LINGER_UNTIL_SECONDS


def arrive(master: Master) -> None:
    """For a Master that is about to get sources. Where it gets nothing now, the timer goes on asking."""
    if master.held() is None:
        take_over(master, None)


def note_answers(master: Master) -> None:
    """Looks whether the authority would find us by our names. What is wrong with them is told when it changes."""
    now = time.time()
    missing = authority.unanswered(master.plan["names"])
    for name, why in missing.items():
        if master.state.get("unanswered", {}).get(name) != why:
            say(f"{name} does not lead here yet: {why}")
    master.remember(
        wantedSince=master.state.get("wantedSince", now),
        answeredSince=None if missing else master.state.get("answeredSince", now),
        unanswered=missing or None,
    )


@contextlib.contextmanager
def locked() -> Iterator[Master]:
    with open(f"{HOME}/lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Read in here: what another process did while we waited.
        yield Master()


def run() -> None:
    until = time.monotonic() + LINGER_SECONDS
    while True:
        with locked() as master:
            again = look(master)
        if not again or time.monotonic() > until:
            return
        time.sleep(LOOK_SECONDS)


def status() -> None:
    master = Master()
    held = master.held()
    shown = {**held.describe(), "source": master.state.get("source")} if held else {"source": "self-made"}
    shown["missing"] = [name for name in master.plan["names"] if name not in shown.get("names", [])]
    for key in ("lastError", "unanswered"):
        if key in master.state:
            shown[key] = master.state[key]
    if "retryAt" in master.state:
        shown["retryAt"] = certificates.iso(master.state["retryAt"])
    print(json.dumps(shown))


def main() -> None:
    command = sys.argv[1:]
    if command not in (["run"], ["renew"], ["status"], ["prepare"], ["arrive"]):
        sys.exit("usage: aerial-certificate run | renew | status | prepare | arrive")
    os.umask(0o077)
    try:
        if command == ["status"]:
            return status()
        prepare(files.read_json("/etc/aerial/certificate.json"))
        if command == ["run"]:
            run()
        if command == ["arrive"]:
            with locked() as master:
                arrive(master)
        if command == ["renew"]:
            with locked() as master:
                if not renew(master, "told to"):
                    sys.exit(1)
    except certificates.Unusable as reason:
        sys.exit(f"aerial-certificate: {reason}")


if __name__ == "__main__":
    main()
