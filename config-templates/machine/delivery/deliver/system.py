"""The rest of the system: cloud-init, packages, and the programs' own checks of files that are not in place yet."""

import os
from collections.abc import Callable

from deliver.delivery import Delivery, Service
from deliver.problem import Refused
from deliver.programs import run
from deliver.tree import Machine, Tree, read_json, write_json
from deliver.units import Tell, reads

CLOUD_INIT_LIMIT_SECONDS = 900
APT_LIMIT_SECONDS = 900
CHECK_LIMIT_SECONDS = 120
# Folders that a delivery's files may be in: a check sees them as they will be.
TOPS = ("/etc", "/usr/local")
APT = ["apt-get", "--quiet", "--yes", "--option=DPkg::Lock::Timeout=300"]
INSTALL = [*APT, "--option=Dpkg::Options::=--force-confold", "install"]
CONFIGURE = ["dpkg", "--force-confold", "--configure", "--pending"]
# $1 is the staged root, then the check's words. What is staged lies over what is there, for the check alone.
OVER = """
for top in $TOPS; do
    [ ! -d "$1$top" ] || mount -t overlay -o "ro,lowerdir=$1$top:$top" aerial "$top"
done
shift
exec "$@"
"""


def await_cloud_init() -> None:
    """Accounts and the base come first. @throws Refused with the words of a module that failed."""
    done = run(["cloud-init", "status", "--wait", "--long"], CLOUD_INIT_LIMIT_SECONDS)
    # 2 is "done, with warnings".
    if done.code not in (0, 2):
        raise Refused(f"cloud-init failed:\n{done.said}")


def versions() -> dict[str, str]:
    """Of the packages that are installed, by name."""
    said = demand(["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package} ${Version}\n"])
    parts = [line.split() for line in said.splitlines()]
    return {part[1]: part[2] for part in parts if len(part) == 3 and part[0] == "installed"}


def demand(command: list[str], limit_seconds: float = CHECK_LIMIT_SECONDS, **environment: str) -> str:
    """Runs what has to succeed. @throws Refused with its words."""
    done = run(command, limit_seconds, **environment)
    if done.code != 0:
        raise Refused(f"{' '.join(command)}:\n{done.said}")
    return done.said


def install_packages(machine: Machine, delivery: Delivery, ask: Callable[[dict[str, str]], None], tell: Tell) -> None:
    """Asks for a restart of each unit whose program is of another version then."""
    stamp = os.path.join(machine.home, "packages.json")
    wanted = [delivery["packages"], delivery["masked"]]
    if read_json(stamp, None) == wanted:
        return
    # Before: Debian's units would start with example configurations, and take our ports.
    if delivery["masked"]:
        demand(["systemctl", "--quiet", "mask", *delivery["masked"]])
    before = versions()
    # What a power cut left half installed comes first: apt refuses everything else until then.
    for command in (CONFIGURE, [*APT, "update"], [*INSTALL, *delivery["packages"]]):
        demand(command, APT_LIMIT_SECONDS, DEBIAN_FRONTEND="noninteractive")
    now = versions()
    changed = {name for name in now if now[name] != before.get(name)}
    ask(restarts_of(delivery["services"], changed))
    write_json(machine, stamp, wanted)
    tell(f"{len(changed)} packages installed")


def check(tree: Tree, delivery: Delivery, paths: list[str], is_active: Callable[[str], bool]) -> None:
    """
    Has every program that runs and reads one of these files look at it. @throws Refused with the program's own words.
    """
    units = [path for path in paths if path.startswith("/etc/systemd/system/") and not path.endswith(".conf")]
    if units:
        # An instance stands for its template.
        names = [path.replace("@.", "@check.") for path in units]
        run_check(tree, ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names], ", ".join(units))
    for service in delivery["services"]:
        touched = [path for path in paths if reads(service, path)]
        if touched and service["check"] and is_active(service["unit"]):
            run_check(tree, service["check"], f"{service['unit']} ({', '.join(touched)})")


def run_check(tree: Tree, command: list[str], subject: str) -> None:
    over = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", OVER, "sh", tree.root]
    done = run([*over, *command], CHECK_LIMIT_SECONDS, name=f"{subject}: {command[0]}", TOPS=" ".join(TOPS))
    if done.code != 0:
        raise Refused(f"{subject}: {command[0]} refuses it:\n{done.said}")


def prove(delivery: Delivery) -> None:
    """@throws Refused with the reasons why the machine is not well."""
    seconds = delivery["ready_seconds"]
    # It ends by itself.
    done = run(["/usr/local/sbin/aerial-ready", "--timeout", str(seconds)], seconds + CHECK_LIMIT_SECONDS)
    if done.code != 0:
        raise Refused(done.said)


def restarts_of(services: list[Service], packages: set[str]) -> dict[str, str]:
    """Units whose program is of another version now."""
    return {service["unit"]: "restart" for service in services if packages.intersection(service["packages"])}
