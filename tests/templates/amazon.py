"""Amazon's parameters and Auto Scaling by their protocols, as far as a machine of a group asks: amazon.py FILE LOG."""

import http.server
import json
import sys
import urllib.parse

PARAMETERS, LOG = sys.argv[1:]
with open(PARAMETERS, encoding="utf-8") as file:
    KNOWN = json.load(file)


def parameter(name: str) -> dict:
    return {"Name": name, "Type": "String", "Value": KNOWN[name], "Version": 1}


class Amazon(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            action, given = target.split(".")[1], json.loads(body)
            kind, answer = "application/x-amz-json-1.1", json.dumps(self.parameters(action, given))
            note = given.get("Value", "")[21:]
        else:
            form = dict(urllib.parse.parse_qsl(body))
            action, note = form["Action"], form.get("LifecycleActionResult", "")
            kind, answer = "text/xml", f"<{action}Response><{action}Result/></{action}Response>"
        with open(LOG, "a", encoding="utf-8") as log:
            log.write(f"{action} {note}\n")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(answer.encode())

    def parameters(self, action: str, given: dict) -> dict:
        if action == "GetParameters":
            return {"Parameters": [parameter(name) for name in given["Names"]], "InvalidParameters": []}
        if action == "GetParameter":
            return {"Parameter": parameter(given["Name"])}
        return {"Version": 2}

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Amazon)
with open(LOG, "w", encoding="utf-8"):
    pass
server.serve_forever()
