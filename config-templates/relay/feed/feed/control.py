"""What the feed answers, and how NGINX tells it of new listeners: a little HTTP on the loopback address."""

import asyncio
import json
import time
from collections.abc import Mapping

from feed.output import Output

PATIENCE_SECONDS = 2.0


class Control:
    def __init__(self, outputs: Mapping[str, Output]) -> None:
        self.outputs = outputs

    async def serve(self, port: int) -> None:
        """Begins to answer. The server lives as long as the loop."""
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", port, backlog=1024)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ")[1].decode("ascii", "replace")
                status, body = self.found(path)
                kind = "Content-Type: application/json\r\n" if body else ""
                writer.write(f"HTTP/1.0 {status}\r\n{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (OSError, EOFError, TimeoutError, ValueError, IndexError, asyncio.LimitOverrunError):
            # Whoever asks is gone, or asks nonsense.
            pass
        finally:
            writer.close()

    def found(self, path: str) -> tuple[str, bytes]:
        if path.startswith("/came/"):
            output = self.outputs.get(path.removeprefix("/came"))
            if output:
                output.came()
            return "204 No Content", b""
        if path == "/status":
            return "200 OK", encoded({mount: output.status() for mount, output in self.outputs.items()})
        if path == "/playing.json":
            return "200 OK", encoded({"mounts": {mount: playing(output) for mount, output in self.outputs.items()}})
        return "404 Not Found", b""


def playing(output: Output) -> dict[str, object]:
    """What everyone may know."""
    status = output.status()
    return {
        "title": status["title"],
        "titleSince": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(output.title_since)),
        "source": status["source"],
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(output.programme.since)),
        "upstream": status["upstream"],
        "lagSeconds": status["lagSeconds"],
    }


def encoded(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()
