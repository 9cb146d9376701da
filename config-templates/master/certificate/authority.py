"""The certificate authority: whether it would find us, and how it is asked."""

import concurrent.futures
import http.client
import os
import secrets
import shutil
import subprocess
import time

import certificates

# NGINX answers with what lies in here, on port 80.
WEB_ROOT = "/var/lib/aerial/challenges"
CHALLENGES = f"{WEB_ROOT}/.well-known/acme-challenge"
# An authority may validate names one after the other, and lego looks every 5 s.
ISSUE_SECONDS, ISSUE_SECONDS_A_NAME = 120, 10
# A challenge may pass a Relay that waits for a Master that is away.
PATIENCE_SECONDS = 8


def unanswered(names: list[str]) -> dict[str, str]:
    """Why names do not lead to our challenges, by name: each is asked for a file, as the authority will do it."""
    token, content = f"aerial-{secrets.token_urlsafe(12)}", secrets.token_urlsafe(24)
    path = f"{CHALLENGES}/{token}"
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)

    def why_not(name: str) -> str | None:
        try:
            connection = http.client.HTTPConnection(name, 80, timeout=PATIENCE_SECONDS)
            connection.request("GET", f"/.well-known/acme-challenge/{token}")
            response = connection.getresponse()
            fits = response.status == 200 and response.read(200) == content.encode()
            return None if fits else f"answers {response.status} to a challenge of ours"
        except (OSError, http.client.HTTPException) as reason:
            return str(reason)

    try:
        with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
            return {name: why for name, why in zip(names, pool.map(why_not, names), strict=True) if why is not None}
    finally:
        os.unlink(path)


def lego(plan: dict, folder: str) -> subprocess.CompletedProcess[str]:
    # Whatever an earlier attempt has left must not be taken for this one's.
    shutil.rmtree(f"{folder}/certificates", ignore_errors=True)
    names = [argument for name in plan["names"] for argument in ("--domains", name)]
    # Challenges are for NGINX to read.
    return subprocess.run(
        [
            *("lego", "--accept-tos", "--server", plan["directoryUrl"], "--email", plan["email"], "--path", folder),
            *("--key-type", "ec256", "--http", "--http.webroot", WEB_ROOT, *names, "run"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ISSUE_SECONDS + ISSUE_SECONDS_A_NAME * len(plan["names"]),
        check=False,
        umask=0o022,
    )


def issue(plan: dict, folder: str) -> certificates.Certificate:
    """A new certificate from the authority; accounts are kept in the folder. Raises Unusable with what lego said."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    try:
        result = lego(plan, folder)
        if "accountDoesNotExist" in result.stdout:
            # The authority has forgotten us, as one for tests does.
            shutil.rmtree(f"{folder}/accounts", ignore_errors=True)
            result = lego(plan, folder)
        if result.returncode != 0:
            raise certificates.Unusable("\n".join(result.stdout.strip().splitlines()[-20:]) or "lego said nothing")
        pem = ""
        for kind in ("crt", "key"):
            with open(f"{folder}/certificates/{plan['names'][0]}.{kind}", encoding="utf-8") as file:
                pem += file.read().rstrip("\n") + "\n"
        new = certificates.read_certificate(pem)
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise certificates.Unusable(str(reason)) from None
    complete = certificates.covered(new, plan["names"]) == len(plan["names"])
    if not complete or certificates.best([new], plan["names"], time.time()) is None:
        raise certificates.Unusable(f"what was issued is not valid now for all names: {new.describe()}")
    return new
