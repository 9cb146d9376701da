"""What a machine takes for ready when systemd does not answer."""

import importlib
import os
import pathlib
import subprocess

import pytest

READY = pathlib.Path(__file__).parents[2] / "config-templates" / "machine" / "ready" / "aerial-ready.sh"


def fake(folder: pathlib.Path, program: str, does: str) -> None:
    (folder / program).write_text(f"#!/bin/sh\n{does}\n")
    (folder / program).chmod(0o755)


def test_a_machine_whose_systemd_does_not_say_what_is_to_run_is_not_ready(tmp_path: pathlib.Path) -> None:
    fake(tmp_path, "cloud-init", ":")
    # Its last question is answered with an error.
    fake(tmp_path, "systemctl", 'case "$*" in *is-active*) exit 0 ;; *) exit 1 ;; esac')
    fake(tmp_path, "journalctl", ":")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["sh", str(READY), "--timeout", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not running: what aerial.target wants: systemd does not say" in done.stderr


def test_a_master_whose_nginx_may_show_the_old_certificate_remembers_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = importlib.import_module("aerial-certificate")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    remembered: list[dict[str, object]] = []

    class Master:
        def remember(self, **what: object) -> None:
            remembered.append(what)

    fake(tmp_path, "systemctl", "exit 1")
    with pytest.raises(it.certificates.Unusable, match="refuses to reload"):
        it.reload_nginx(Master())
    assert remembered == []
    fake(tmp_path, "systemctl", '[ "$*" = "try-reload-or-restart aerial-nginx.service" ]')
    it.reload_nginx(Master())
    assert remembered == [{"reload": None}]
