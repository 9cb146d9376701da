"""A name server for tests: answers A queries from a JSON file, read anew each time: `names.py ADDRESS FILE`."""

import json
import socket
import socketserver
import struct
import sys
import threading


def answer(query: bytes) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    with open(sys.argv[2], encoding="utf-8") as file:
        addresses = json.load(file).get(".".join(labels).lower())
    found = addresses if addresses and kind == 1 else []
    text = query[:2] + struct.pack("!HHHHH", 0x8400 if addresses else 0x8403, 1, len(found), 0, 0) + query[12 : at + 5]
    for address in found:
        text += struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address)
    return text


class Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, server = self.request
        server.sendto(answer(query), self.client_address)


class Stream(socketserver.StreamRequestHandler):
    """The authority asks by TCP."""

    def handle(self) -> None:
        while length := self.rfile.read(2):
            text = answer(self.rfile.read(struct.unpack("!H", length)[0]))
            self.wfile.write(struct.pack("!H", len(text)) + text)


place = (sys.argv[1], 53)
threading.Thread(target=socketserver.ThreadingTCPServer(place, Stream).serve_forever).start()
socketserver.ThreadingUDPServer(place, Datagram).serve_forever()
