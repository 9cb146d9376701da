"""The public certificate as one text: what it holds, and which of several is the best."""

import pathlib
import subprocess
import time
from typing import Any

import certificates
import pytest

DAY = 86_400
NAMES = ["stream.radio.test", "ingest.radio.test"]


def issued(sha256: str, **change: Any) -> certificates.Certificate:
    given = {"pem": "", "names": tuple(NAMES), "not_before": 0, "not_after": 90 * DAY, "issuer": "", "sha256": sha256}
    return certificates.Certificate(**{**given, **change})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], None, id="is none of none"),
        pytest.param([issued("a"), issued("b", not_before=5)], "b", id="is the one issued last"),
        pytest.param([issued("a"), issued("b")], "a", id="is the one we have, of equals"),
        pytest.param(
            *([issued("a"), issued("b", not_before=5, not_after=6 * DAY)], "b"),
            id="is issued last even where it ends first",
        ),
        pytest.param(
            *([issued("a", not_before=5, names=tuple(NAMES[1:])), issued("b")], "b"),
            id="is for all names",
        ),
        pytest.param([issued("a", names=tuple(NAMES[1:]))], "a", id="is for some names where none is for all"),
        pytest.param([issued("a", names=("x.test",))], None, id="is not for other names"),
        pytest.param([issued("a", not_after=DAY)], None, id="is not expired"),
        pytest.param([issued("a", not_before=DAY + 301)], None, id="is not of the future"),
        pytest.param([issued("a", not_before=DAY + 299)], "a", id="may be of a clock that is ahead"),
    ],
)
def test_the_best(given: list[certificates.Certificate], expected: str | None) -> None:
    found = certificates.best(given, NAMES, DAY)
    assert (found and found.sha256) == expected


def key_and_certificate(folder: pathlib.Path, name: str) -> tuple[str, str]:
    key = folder / f"{name}.key"
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *(
                "-keyout",
                key,
                "-days",
                "2",
                "-subj",
                "/O=Ä, b/CN=it",
                "-addext",
                f"subjectAltName=DNS:{name},DNS:b.test",
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return key.read_text(), made.stdout


def test_a_certificate_is_read_with_its_names_times_and_fingerprint(tmp_path: pathlib.Path) -> None:
    key, certificate = key_and_certificate(tmp_path, "a.test")
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        input=certificate,
        capture_output=True,
        text=True,
        check=True,
    )
    read = certificates.read_certificate(certificate + key)
    assert read.names == ("a.test", "b.test")
    assert read.sha256 == shown.stdout.rpartition("=")[2].strip().replace(":", "").lower()
    assert read.not_after - read.not_before == 2 * DAY
    assert abs(read.not_before - time.time()) < 60


def test_a_certificate_is_refused_when_it_is_none_lacks_its_key_or_has_another_s(tmp_path: pathlib.Path) -> None:
    key, certificate = key_and_certificate(tmp_path, "a.test")
    other_key, _ = key_and_certificate(tmp_path, "b.test")
    for pem in ("", certificate, key, certificate[:200]):
        with pytest.raises(certificates.Unusable):
            certificates.read_certificate(pem)
    with pytest.raises(certificates.Unusable, match=r"^its key is not that of its certificate$"):
        certificates.read_certificate(certificate + other_key)
