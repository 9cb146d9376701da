#!/usr/bin/python3
"""Whether silence makes a source absent: `aerial-silence CHANNEL on|off|status`. Off for a quiet concert.

The choice lasts until the channel's Liquidsoap starts again; what holds then is the station's configuration.
"""

import json
import socket
import sys


def main() -> None:
    with open("/etc/aerial/master.json", encoding="utf-8") as file:
        channels = json.load(file)["channels"]
    if len(sys.argv) != 3 or sys.argv[1] not in channels or sys.argv[2] not in ("on", "off", "status"):
        sys.exit(f"usage: aerial-silence {'|'.join(channels)} on|off|status")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.connect(channels[sys.argv[1]]["controlSocket"])
        connection.sendall(f"aerial.silence {sys.argv[2]}\nquit\n".encode())
        answer = connection.makefile(encoding="utf-8").readline()
    print(answer.strip())


if __name__ == "__main__":
    main()
