"""The journals of other machines: what is put aside, how long it is kept, and what is taken out of it."""

import os
import pathlib
import subprocess
import time

import pytest

PROGRAM = pathlib.Path(__file__).parents[2] / "config-templates/monitoring/logs/keep-journals.sh"
DAY = 86400
# A journal is a text here, with the time, the identifier and the message of an entry in each line.
JOURNALCTL = r"""#!/bin/sh
only= show=all
for word; do
    case $word in
        --file=*) file=${word#*=} ;;
        --identifier=*) only="$only ${word#*=} " ;;
        --field=*) show=identifiers ;;
        --lines=*) show=first ;;
    esac
done
while read -r time identifier message; do
    case $show$only in
        identifiers) echo "$identifier" ;;
        all | all*" $identifier "*) echo "$time $identifier $message" ;;
        first | first*" $identifier "*) echo "$time $identifier $message"; break ;;
    esac
done <"$file"
"""
REMOTE = """#!/bin/sh
cat >"${1#--output=}"
"""


class Journals:
    def __init__(self, root: pathlib.Path) -> None:
        self.bin = root / "bin"
        self.folder = root / "remote"
        self.calls = root / "calls"
        for folder in (self.bin, self.folder):
            folder.mkdir()
        self.fake("systemctl", f'#!/bin/sh\necho "$*" >>{self.calls}\n')
        self.fake("journalctl", JOURNALCTL)
        self.fake("remote", REMOTE)

    def fake(self, program: str, does: str) -> None:
        (self.bin / program).write_text(does)
        (self.bin / program).chmod(0o755)

    def add(self, name: str, *entries: str, first: float, last: float) -> None:
        """A file with these entries, from so many days ago to so many."""
        path = self.folder / name
        path.write_text("".join(f"{time.time() - first * DAY:.6f} {entry}\n" for entry in entries))
        os.utime(path, (time.time() - last * DAY,) * 2)

    def keep(self, days: int = 30, mebibytes: int = 100, address_days: int = 7) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "AERIAL_JOURNAL_REMOTE": str(self.bin / "remote"),
        }
        words = [str(self.folder), str(days), str(mebibytes), str(address_days)]
        return subprocess.run(
            ["sh", str(PROGRAM), *words], env=environment, capture_output=True, text=True, check=False
        )

    def messages(self) -> dict[str, list[str]]:
        return {
            path.name: [line.split(" ", 1)[1] for line in path.read_text().splitlines()]
            for path in sorted(self.folder.iterdir())
        }


@pytest.fixture(name="journals")
def _journals(tmp_path: pathlib.Path) -> Journals:
    return Journals(tmp_path)


def test_a_file_that_was_left_open_by_a_power_cut_is_kept_no_longer_than_others(journals: Journals) -> None:
    for name in ("1.journal", "2.journal~"):
        journals.add(f"remote-127.1.1.1@old-{name}", "systemd Started", first=31, last=30.1)
        journals.add(f"remote-127.1.1.1@long-{name}", "aerial-listeners {}", "systemd Started", first=9, last=8)
    assert journals.keep().returncode == 0
    plain = ["remote-127.1.1.1@long-1.plain.journal", "remote-127.1.1.1@long-2.plain.journal"]
    assert journals.messages() == {name: ["systemd Started"] for name in plain}
    journals.add("remote-127.1.1.1@power.journal~", "systemd Started", first=2, last=1)
    assert journals.keep(mebibytes=0).returncode == 0
    assert journals.messages() == {}


def test_after_address_days_lines_of_listeners_and_errors_that_name_them_are_gone(journals: Journals) -> None:
    entries = ["systemd Started", 'nginx [warn] client: 192.0.2.7, request: "GET /main.mp3"', "aerial-feed Plays"]
    journals.add("remote-127.1.1.1@errors.journal", *entries, first=8, last=7)
    journals.add("remote-127.1.1.1@only.journal", "aerial-listeners {}", entries[1], first=8, last=7)
    journals.add("remote-127.2.2.2@none.journal", "systemd Started", first=8, last=7)
    journals.add("remote-127.1.1.1@young.journal", *entries, first=6, last=5)
    assert journals.keep().returncode == 0
    assert journals.messages() == {
        "remote-127.1.1.1@errors.plain.journal": ["systemd Started", "aerial-feed Plays"],
        "remote-127.1.1.1@young.journal": entries,
        "remote-127.2.2.2@none.journal": ["systemd Started"],
    }


@pytest.mark.parametrize(
    ("first", "goes"),
    [
        # The next run is a day later. This one is a minute early, as a random delay makes it.
        (7 - 1 / 1440, True),
        (6.8, False),
    ],
)
def test_an_address_goes_by_the_time_at_which_it_was_logged_and_not_at_which_it_came(
    journals: Journals, first: float, goes: bool
) -> None:
    journals.add("remote-127.1.1.1@late.journal", "systemd Started", "aerial-listeners {}", first=first, last=0)
    assert journals.keep().returncode == 0
    has = "aerial-listeners {}" in next(iter(journals.messages().values()))
    assert has is not goes


def test_a_file_that_is_written_anew_has_its_name_when_it_is_whole(journals: Journals) -> None:
    entries = ["aerial-listeners {}", "systemd Started"]
    journals.add("remote-127.1.1.1@old.journal", *entries, first=8, last=7)
    journals.fake("remote", '#!/bin/sh\necho 0 half >"${1#--output=}"\nexit 1\n')
    assert journals.keep().returncode != 0
    assert journals.messages()["remote-127.1.1.1@old.journal"] == entries
    assert [name for name in journals.messages() if name.startswith("remote-")] == ["remote-127.1.1.1@old.journal"]
    journals.fake("remote", REMOTE)
    assert journals.keep().returncode == 0
    assert journals.messages() == {"remote-127.1.1.1@old.plain.journal": ["systemd Started"]}


def test_journals_come_in_again_whatever_happens(journals: Journals) -> None:
    journals.add("remote-127.1.1.1.journal", "systemd Started", first=1, last=0)
    journals.fake("mv", "#!/bin/sh\nexit 1\n")
    assert journals.keep().returncode != 0
    assert journals.calls.read_text().split() == ["stop", "aerial-journals.service", "start", "aerial-journals.service"]


def test_a_full_disk_is_made_room_on_before_anything_is_written_anew(journals: Journals) -> None:
    journals.add("remote-127.1.1.1@old.journal", "aerial-listeners {}", "systemd Started", first=8, last=7)
    journals.fake("remote", "#!/bin/sh\nexit 1\n")
    assert journals.keep(mebibytes=0).returncode == 0
    assert journals.messages() == {}
