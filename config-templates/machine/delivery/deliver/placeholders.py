"""Secrets in files. A file that holds some says its format, and its text has placeholders. A placeholder is @{NAME}:

    @{source.main.studio}   a value that was delivered
    @{file.tls.key}         a file that was delivered
    @{local.admin}          a random value made on this machine once, known nowhere else

    @{relay.link|basic}     of `user:password`: as an Authorization header
    @{relay.link.2|md5}     as the MD5 that Icecast's password files hold
    @{relay.link.2|sha1}    as the SHA-1 that NGINX's password files hold, after {SHA}

and is escaped for the file's format.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable

from deliver.problem import Refused

PLACEHOLDER = re.compile(r"@\{([^{}\n]*)\}")


def escape_xml(value: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        value = value.replace(character, entity)
    return value


def quote(value: str) -> str:
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def escape_nginx(value: str) -> str:
    if "$" in value:
        raise Refused("NGINX would read its $ as a variable")
    return quote(value)


def md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


# What a value becomes inside a file of each format. Those of liquidsoap, nginx, shell, unit and yaml are quoted words.
ESCAPES: dict[str, Callable[[str], str]] = {
    "xml": escape_xml,
    "liquidsoap": lambda value: quote(value).replace("#", "\\x23"),
    "nginx": escape_nginx,
    "shell": lambda value: "'" + value.replace("'", "'\\''") + "'",
    "unit": lambda value: quote(value).replace("%", "%%").replace("$", "$$"),
    # Icecast 2.4's own password files: user:md5, so `relay-2:@{relay.link.2}` is a line of one.
    "htpasswd": md5,
    "yaml": lambda value: json.dumps(value, ensure_ascii=False),
    "raw": lambda value: value,
}


def derive(value: str, how: str | None) -> str:
    """A value in the form that a placeholder asks for after its bar."""
    if how is None:
        return value
    if how == "md5":
        return md5(value)
    if how == "sha1":
        return base64.b64encode(hashlib.sha1(value.encode(), usedforsecurity=False).digest()).decode()
    if how == "basic":
        return "Basic " + base64.b64encode(value.encode()).decode()
    raise Refused(f"{how!r} is no form of a value")


def fill(text: str, format_name: str, given: dict, local: dict) -> str:
    """A text with its placeholders filled in; values that `local` lacks are made."""
    escape = ESCAPES.get(format_name)
    if escape is None:
        raise Refused(f"unknown format {format_name!r}")

    def value_of(match: re.Match[str]) -> str:
        name, _, how = match.group(1).partition("|")
        if name.startswith("local."):
            value = local.setdefault(name.removeprefix("local."), secrets.token_hex(24))
        elif name.startswith("file."):
            value = given["files"].get(name.removeprefix("file."))
        else:
            value = given["values"].get(name)
        if value is None:
            raise Refused(f"@{{{name}}} was not delivered")
        try:
            return escape(derive(value, how or None))
        except Refused as reason:
            raise Refused(f"@{{{name}}} cannot be used: {reason}") from None

    return PLACEHOLDER.sub(value_of, text)
