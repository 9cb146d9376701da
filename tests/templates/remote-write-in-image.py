"""
Debian's Prometheus with the configuration that a delivery installs, and a receiver behind TLS. Writes as JSON how the
first requests that it got came: path, headers, which of the given texts were in them, and a digest of all of it.
"""

import hashlib
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time
from typing import Any

HOME = pathlib.Path("/tmp/remote-write")
REQUESTS = 2

requests: list[dict] = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # Snappy leaves a text as it is where it comes for the first time.
        texts = [text for text in sys.argv[1:] if text.encode() in body]
        # The first one is refused as by a receiver that is busy: what was in it has to come again.
        status = 503 if not requests else 200
        headers = {name.lower(): value for name, value in self.headers.items()}
        digest = hashlib.sha256(body).hexdigest()
        requests.append({"path": self.path, "headers": headers, "texts": texts, "digest": digest, "status": status})
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: Any, **__: Any) -> None:
        pass


def main() -> None:
    HOME.mkdir()
    key, certificate = str(HOME / "key.pem"), str(HOME / "certificate.pem")
    subprocess.run(
        [
            *[
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-noenc",
                "-days",
                "1",
            ],
            *["-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 9801), Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log = HOME / "log"
    with log.open("wb") as out:
        subprocess.Popen(
            [
                *["prometheus", "--config.file=/etc/aerial/prometheus/prometheus.yml"],
                *[f"--storage.tsdb.path={HOME / 'data'}", "--web.listen-address=127.0.0.1:9090"],
            ],
            env={**os.environ, "SSL_CERT_FILE": certificate},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    end = time.monotonic() + 150
    while len(requests) < REQUESTS:
        if time.monotonic() > end:
            sys.exit(f"{len(requests)} requests came; Prometheus says:\n{log.read_text()}")
        time.sleep(0.2)
    print(json.dumps({"requests": requests[:REQUESTS], "log": log.read_text()}))


if __name__ == "__main__":
    main()
