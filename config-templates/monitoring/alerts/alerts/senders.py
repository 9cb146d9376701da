"""How a message reaches a receiver. Addresses and passwords are secrets: errors do not show them."""

import base64
import email.message
import email.utils
import json
import mimetypes
import os
import smtplib
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

PATIENCE_SECONDS = 20


class Refused(Exception):
    """The receiver did not take the message; it says why."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


opener = urllib.request.build_opener(NoRedirects)


def call(url: str, method: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    """Asks a web server. Raises Refused unless it answers with success."""
    try:
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        with opener.open(request, timeout=PATIENCE_SECONDS) as response:
            response.read(65536)
    except urllib.error.HTTPError as reason:
        raise Refused(f"it answers {reason.code} {reason.reason}") from None
    except urllib.error.URLError as reason:
        raise Refused(f"it does not answer: {reason.reason}") from None
    except OSError as reason:
        raise Refused(f"it does not answer: {reason}") from None
    except Exception as reason:  # noqa: BLE001 - these texts may have the address in them
        raise Refused(f"its address cannot be used ({type(reason).__name__})") from None


def send(receiver: dict[str, Any], message: dict[str, Any]) -> None:
    """
    Sends a message: `id`, `kind`, `station`, `subject`, `text`, `alerts`, `clip` (a path, or None). Raises Refused.
    """
    try:
        SENDERS[receiver["kind"]](receiver, message)
    except (ValueError, LookupError, TypeError) as reason:
        # Such as a header that mail cannot have: no reason to keep all others waiting.
        raise Refused(f"it cannot be given this message ({type(reason).__name__})") from None


def read_clip(message: dict[str, Any]) -> tuple[str, str, bytes] | None:
    """Name, type and content; None where there is none, or it is gone by now."""
    path = message["clip"]
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    return os.path.basename(path), mimetypes.guess_type(path)[0] or "application/octet-stream", content


def send_email(receiver: dict[str, Any], message: dict[str, Any]) -> None:
    mail = email.message.EmailMessage()
    mail["Subject"] = message["subject"]
    mail["From"] = receiver["from"]
    mail["To"] = ", ".join(receiver["to"])
    mail["Date"] = email.utils.localtime()
    # Sent again after a torn connection, it is the same mail.
    mail["Message-ID"] = f"<{message['id']}@{receiver['from'].rpartition('@')[2].strip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message["text"])
    clip = read_clip(message)
    if clip:
        name, kind, content = clip
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    context = ssl.create_default_context()
    server, port = receiver["server"], receiver["port"]
    try:
        connection = (
            smtplib.SMTP_SSL(server, port, timeout=PATIENCE_SECONDS, context=context)
            if receiver["security"] == "tls"
            else smtplib.SMTP(server, port, timeout=PATIENCE_SECONDS)
        )
        with connection:
            if receiver["security"] == "starttls":
                connection.starttls(context=context)
            if receiver.get("user"):
                connection.login(receiver["user"], receiver["password"])
            connection.send_message(mail)
    except smtplib.SMTPResponseException as reason:
        said = reason.smtp_error
        raise Refused(
            f"it answers {reason.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
        ) from None
    except (OSError, smtplib.SMTPException) as reason:
        raise Refused(f"it does not take mail: {reason}") from None


def authorization(receiver: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {receiver['token']}"} if receiver.get("token") else {}


def send_webhook(receiver: dict[str, Any], message: dict[str, Any]) -> None:
    clip = read_clip(message)
    body = {
        **{key: message[key] for key in ("id", "kind", "station", "subject", "text", "alerts")},
        "clip": clip and {"name": clip[0], "type": clip[1], "base64": base64.b64encode(clip[2]).decode()},
    }
    call(
        receiver["url"],
        "POST",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **authorization(receiver)},
    )


def send_slack(receiver: dict[str, Any], message: dict[str, Any]) -> None:
    """An incoming webhook takes no files: the text says where the clip is."""
    where = f"The clip is on the monitoring machine: {message['clip']}\n" if message["clip"] else ""
    text = f"*{message['subject']}*\n{message['text']}{where}"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    call(receiver["url"], "POST", json.dumps({"text": text}).encode(), {"Content-Type": "application/json"})


def send_ntfy(receiver: dict[str, Any], message: dict[str, Any]) -> None:
    said = {"title": message["subject"], "priority": "5" if message["kind"] in ("began", "escalation") else "3"}
    clip = read_clip(message)
    if clip:
        said |= {"message": message["text"], "filename": clip[0]}
    # As parameters, because headers have no Unicode.
    separator = "&" if "?" in receiver["url"] else "?"
    url = f"{receiver['url']}{separator}{urllib.parse.urlencode(said)}"
    call(url, "PUT" if clip else "POST", clip[2] if clip else message["text"].encode(), authorization(receiver))


SENDERS = {"email": send_email, "webhook": send_webhook, "slack": send_slack, "ntfy": send_ntfy}
