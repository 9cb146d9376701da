"""The public certificate as one PEM text, chain and key together: what it holds, which of several is the best, how
Masters hand it over. Installed beside the programs that use it."""

import base64
import dataclasses
import datetime
import http.client
import json
import re
import socket
import ssl
import subprocess

PATIENCE_SECONDS = 3
LIMIT_BYTES = 1 << 18
# Clocks of this machine and of the authority may differ by this much.
CLOCK_SECONDS = 300


class Unusable(Exception):
    """A certificate, or an answer, that cannot be used; the text says why and holds no secret."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    pem: str
    names: tuple[str, ...]
    not_before: float
    not_after: float
    issuer: str
    sha256: str

    def describe(self) -> dict:
        """What may be told to anybody."""
        return {
            "names": list(self.names),
            "notBefore": iso(self.not_before),
            "notAfter": iso(self.not_after),
            "issuer": self.issuer,
            "sha256": self.sha256,
        }


def iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def openssl(*arguments: str, given: str = "") -> str:
    result = subprocess.run(["openssl", *arguments], input=given, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Unusable("openssl cannot read it: " + (result.stderr.strip().splitlines() or ["no reason given"])[0])
    return result.stdout


def read_certificate(pem: str) -> Certificate:
    """What a PEM text of chain and key holds; its first certificate counts, which the key must fit."""
    shown = openssl(
        *("x509", "-noout", "-dates", "-dateopt", "iso_8601", "-issuer", "-nameopt", "RFC2253,utf8,-esc_msb"),
        *("-fingerprint", "-sha256", "-ext", "subjectAltName", "-pubkey"),
        given=pem,
    )
    if openssl("pkey", "-pubout", given=pem).strip() not in shown:
        raise Unusable("its key is not that of its certificate")

    def field(name: str) -> str:
        found = re.search(rf"^{name}=\s*(.+)$", shown, re.MULTILINE)
        if not found:
            raise Unusable(f"it has no {name}")
        return found.group(1).strip()

    def moment(name: str) -> float:
        return datetime.datetime.fromisoformat(field(name)).timestamp()

    return Certificate(
        pem=pem,
        names=tuple(re.findall(r"DNS:([^,\s]+)", shown)),
        not_before=moment("notBefore"),
        not_after=moment("notAfter"),
        issuer=field("issuer"),
        sha256=field("sha256 Fingerprint").replace(":", "").lower(),
    )


def covered(certificate: Certificate, names: list[str]) -> int:
    """How many of the names a certificate is for."""
    return len(set(names) & set(certificate.names))


def best(certificates: list[Certificate], names: list[str], now: float) -> Certificate | None:
    """The newest that is valid now and for all of the names; else the one for most of them; else None."""
    usable = [
        one for one in certificates if one.not_before - CLOCK_SECONDS <= now < one.not_after and covered(one, names) > 0
    ]
    return max(usable, key=lambda one: (covered(one, names), one.not_before), default=None)


def ask_master(master: dict, path: str, login: str) -> str | None:
    """The text at a path of a Master's certificate port, or None when it has none. Raises OSError or Unusable."""
    context = ssl.create_default_context(cafile=master["ca"])
    # What Python adds since 3.13 (key usage of the CA, ...) the station's own CA does not have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    connection = http.client.HTTPConnection(master["tlsName"], timeout=PATIENCE_SECONDS)
    with (
        socket.create_connection((master["host"], master["port"]), PATIENCE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=master["tlsName"]) as connection.sock,
    ):
        secret = base64.b64encode(login.encode()).decode()
        try:
            connection.request("GET", path, headers={"Authorization": f"Basic {secret}", "Connection": "close"})
            response = connection.getresponse()
            body = response.read(LIMIT_BYTES + 1)
        except http.client.HTTPException as reason:
            raise Unusable(f"answers in no HTTP: {reason!r}") from None
        if response.status == 404:
            return None
        if response.status != 200 or len(body) > LIMIT_BYTES:
            raise Unusable(f"answers {response.status} with {len(body)} bytes")
        return body.decode()


def fetch_certificate(master: dict, login: str, known_sha256: str | None) -> Certificate | None:
    """A Master's certificate, or None when it has none or it is the one that is known. The login is `user:password`."""
    try:
        told = ask_master(master, "/certificate.json", login)
        if told is None or json.loads(told).get("sha256") == known_sha256:
            return None
        pem = ask_master(master, "/certificate.pem", login)
    # Not every ValueError: that a certificate cannot be verified is one, too.
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Unusable("its description of the certificate is no JSON") from None
    return None if pem is None else read_certificate(pem)
