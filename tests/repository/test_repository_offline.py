"""The guard that keeps tests on this machine: no part of it may fail open."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import forgive

# Addresses reserved for documentation, which do not answer if the guard fails.
FAR_AWAY = "192.0.2.1"
FAR_NAME = "example.invalid"


@pytest.fixture(autouse=True)
def forgiven() -> Iterator[None]:
    """Ignore the attempts of these tests, which leave on purpose and must not fail afterwards."""
    yield
    forgive()


def connect() -> None:
    """Connect a plain socket."""
    with socket.socket() as plain:
        plain.connect((FAR_AWAY, 80))


def send_datagram() -> None:
    """Send a datagram without connecting."""
    with socket.socket(type=socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"?", (FAR_AWAY, 53))


def look_up() -> None:
    """Resolve a name."""
    socket.getaddrinfo(FAR_NAME, 443)


def open_connection() -> None:
    """Connect through an event loop."""
    asyncio.run(asyncio.open_connection(FAR_AWAY, 80))


def look_up_in_a_loop() -> None:
    """Resolve a name through an event loop, which uses a thread."""
    asyncio.run(asyncio.open_connection(FAR_NAME, 443))


@pytest.mark.parametrize("leave", [connect, send_datagram, look_up, open_connection, look_up_in_a_loop])
def test_leaving_this_machine_is_an_error_that_says_so(leave: Callable[[], None]) -> None:
    """Every attempt to leave this machine is an error that names it."""
    with pytest.raises(RuntimeError, match="tests reach only this machine"):
        leave()


def test_a_subprocess_cannot_leave_either() -> None:
    """A subprocess cannot leave either, because it inherits the guard with the environment."""
    code = f"import socket; socket.create_connection(('{FAR_AWAY}', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "NetworkClosedError" in done.stderr


def test_no_credentials_of_a_developer_are_in_sight() -> None:
    """A developer's credentials are invisible to tests, so a forgotten stand-in cannot use an account."""
    assert [
        name for name in os.environ if name.startswith(("AWS_SECRET", "AWS_ACCESS", "AWS_PROFILE", "TWILIO_"))
    ] == []
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
