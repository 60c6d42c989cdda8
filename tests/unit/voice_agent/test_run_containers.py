"""`voice-agent call` asks Compose what runs in containers."""

import json
from pathlib import Path

import pytest

from voice_agent.call.containers import find_containers

EDGE = {
    "Service": "edge",
    "Publishers": [
        {"URL": "127.0.0.1", "TargetPort": 7860, "PublishedPort": 50001},
        {"URL": "127.0.0.1", "TargetPort": 8445, "PublishedPort": 50002},
    ],
}
PUBLISHED = [{"TargetPort": 8443, "PublishedPort": 0}, {"TargetPort": 8444, "PublishedPort": 3}]
NOVA = {"Service": "nova", "Publishers": PUBLISHED}
TWILIO = {"Service": "twilio", "Publishers": None}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a folder with a Compose file, and a `docker` that prints the content of `said`."""
    (tmp_path / "docker-compose.yml").touch()
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$4" = ps ] && cat {tmp_path}/said || echo a line of the log\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def says(checkout: Path, *containers: object, as_list: bool = False) -> None:
    """Script the services that Compose lists."""
    text = json.dumps(containers) if as_list else "\n".join(map(json.dumps, containers))
    (checkout / "said").write_text(text)


@pytest.mark.parametrize("as_list", [False, True])
def test_ports_are_those_that_were_published(checkout: Path, *, as_list: bool) -> None:
    """The published ports are found, also from a subfolder and in both formats of Compose's output."""
    says(checkout, EDGE, NOVA, TWILIO, as_list=as_list)
    (checkout / "below").mkdir()
    found = find_containers(checkout / "below")
    assert found is not None
    assert found.base_url == "http://127.0.0.1:50001"
    assert found.exchange_url == "http://127.0.0.1:50002"
    assert found.model_control_url == "http://127.0.0.1:3"
    assert found.phone_log() == ["a line of the log"]


def test_a_real_telephone_has_no_exchange_here(checkout: Path) -> None:
    """With the real telephone there is no exchange, although its port is published."""
    says(checkout, EDGE)
    found = find_containers(checkout)
    assert found is not None
    assert (found.exchange_url, found.model_control_url) == ("", "")


def test_nothing_runs(checkout: Path) -> None:
    """Without containers or a Compose file nothing is found."""
    says(checkout)
    assert find_containers(checkout) is None
    (checkout / "docker-compose.yml").unlink()
    says(checkout, EDGE)
    assert find_containers(checkout) is None
