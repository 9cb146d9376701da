"""Amazon's parameters, objects and Auto Scaling by their protocols, as far as a machine of a group asks:
amazon.py PARAMETERS OBJECTS LOG."""

import http.server
import json
import sys
import urllib.parse

PARAMETERS, OBJECTS, LOG = sys.argv[1:]
with open(PARAMETERS, encoding="utf-8") as file:
    KNOWN = json.load(file)
with open(OBJECTS, encoding="utf-8") as file:
    CONTENT = json.load(file)


def parameter(name: str) -> dict:
    return {"Name": name, "Type": "String", "Value": KNOWN[name], "Version": 1}


def note(text: str) -> None:
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(f"{text}\n")


class Amazon(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        # Buckets stand in the path, where the endpoint is an address.
        path = self.path.split("?")[0]
        note(f"GET {path}")
        content = CONTENT.get(path)
        self.answer(404 if content is None else 200, "text/plain", content or "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            action, given = target.split(".")[1], json.loads(body)
            kind, answer = "application/x-amz-json-1.1", json.dumps(self.parameters(action, given))
            more = given.get("Value", "")[21:]
        else:
            form = dict(urllib.parse.parse_qsl(body))
            action, more = form["Action"], form.get("LifecycleActionResult", "")
            kind, answer = "text/xml", f"<{action}Response><{action}Result/></{action}Response>"
        note(f"{action} {more}")
        self.answer(200, kind, answer)

    def answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def parameters(self, action: str, given: dict) -> dict:
        if action == "GetParameter":
            return {"Parameter": parameter(given["Name"])}
        return {"Version": 2}

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Amazon)
with open(LOG, "w", encoding="utf-8"):
    pass
server.serve_forever()
