#!/usr/bin/python3
"""
This Relay's feed: one continuous stream for each mount, from whichever upstream plays, into the local Icecast.

    aerial-feed CONFIG.json LOOP_FOLDER MEMORY_FOLDER

It answers on 127.0.0.1, at the port of its configuration: /status for this machine, /playing.json for everyone (through
NGINX), and /came/MOUNT, by which NGINX tells it that a new listener is on the way.
"""

import asyncio
import json
import os
import signal
import sys

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

from feed import keeper
from feed.control import Control
from feed.frames import Frame, read_loop
from feed.output import Output, Plan
from feed.slot import Stream, Where
from feed.track import Track
from feed.upstream import Upstream


def make_output(config: dict, mount: dict, folders: tuple[str, str]) -> tuple[Output, list[Upstream]]:
    """A mount's output, and what pulls for it."""
    loops, memory = folders
    stall = config["stallSeconds"]
    tracks = [Track(upstream["id"]) for upstream in config["upstreams"]]
    upstreams = [
        Upstream(track, upstream["port"], mount["mount"], mount["contentType"], stall)
        for track, upstream in zip(tracks, config["upstreams"], strict=True)
    ]
    plan = Plan(
        stream=Stream(mount["mount"], mount["contentType"], mount["name"]),
        slots=[Where(slot["name"], slot["port"]) for slot in config["slots"]],
        stall_seconds=stall,
        burst_seconds=config["burstSeconds"],
        memory_folder=memory,
    )

    def loop() -> list[Frame]:
        return read_loop(os.path.join(loops, mount["standby"]), mount["contentType"])

    return Output(plan, tracks, loop), upstreams


async def feed(config: dict, folders: tuple[str, str]) -> None:
    inherited = keeper.inherited()
    outputs: dict[str, Output] = {}
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: os._exit(0))
    async with asyncio.TaskGroup() as tasks:
        for mount in config["mounts"]:
            output, upstreams = make_output(config, mount, folders)
            outputs[output.mount] = output
            kept: dict[str, keeper.KeptSource] = {}
            for slot in output.slots:
                connection = inherited.pop(slot.key, None)
                resumed = keeper.resume(connection, slot.memory) if connection else None
                if resumed:
                    kept[slot.where.name] = resumed
                elif connection:
                    keeper.forget(slot.key)
            tasks.create_task(output.run(kept))
            for upstream in upstreams:
                tasks.create_task(upstream.run())
        for name, connection in inherited.items():
            # A mount that the configuration no longer has.
            keeper.forget(name)
            connection.close()
        await Control(outputs).serve(config["controlPort"])
        keeper.notify("READY=1")


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    asyncio.run(feed(config, (sys.argv[2], sys.argv[3])))


if __name__ == "__main__":
    main()
