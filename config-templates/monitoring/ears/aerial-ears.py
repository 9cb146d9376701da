#!/usr/bin/python3
"""
The Ears: listeners at every region's Relays, one for each public mount, who really listen and measure what they hear.

    aerial-ears [CONFIGURATION]

Writes metrics for the exporter, and the last five minutes of each mount, which aerial-clip cuts.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

from ears import metrics, requests, settings
from ears.listener import Listener
from ears.names import Names
from ears.playing import Playing
from ears.ring import Ring

METRICS = "/run/aerial-ears/metrics.prom"
# All at once would be a herd of its own.
APART_SECONDS = 0.2


def clip_folder(region: settings.Region, mount: settings.Mount) -> str:
    return os.path.join(settings.HOME, region.region, mount.channel, mount.codec)


def forget_others(known: settings.Settings) -> None:
    """Clips of regions, channels and formats that the station has no more."""
    wanted = {clip_folder(region, mount) for region in known.regions for mount in known.mounts}
    for folder, _, found in os.walk(settings.HOME, topdown=False):
        if folder.removeprefix(settings.HOME).count("/") == 3 and folder not in wanted:
            shutil.rmtree(folder)
        elif found == [] and folder != settings.HOME:
            with contextlib.suppress(OSError):
                os.rmdir(folder)


async def listen(known: settings.Settings) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: os._exit(0))
    tls = requests.trust()
    names = Names(known)
    listeners = [
        Listener(known, region, mount, tls, Ring(clip_folder(region, mount), mount.codec), names.answered.get)
        for region in known.regions
        for mount in known.mounts
    ]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(names.run())
        tasks.create_task(Playing(known, tls, listeners).run())
        tasks.create_task(write_metrics(listeners, names))
        for listener in listeners:
            tasks.create_task(listener.run())
            await asyncio.sleep(APART_SECONDS)


async def write_metrics(listeners: list[Listener], names: Names) -> None:
    while True:
        metrics.write(METRICS, metrics.text(listeners, names.agreements))
        await asyncio.sleep(metrics.WRITE_SECONDS)


def main() -> None:
    if len(sys.argv) > 2 or sys.argv[1:] in (["--help"], ["-h"]):
        print(__doc__)
        sys.exit(0 if len(sys.argv) == 2 else 2)
    os.umask(0o022)
    try:
        known = settings.read(*sys.argv[1:])
    except (OSError, ValueError, KeyError, TypeError) as reason:
        sys.exit(f"aerial-ears: there is no configuration that can be used: {reason!r}")
    forget_others(known)
    asyncio.run(listen(known))


if __name__ == "__main__":
    main()
