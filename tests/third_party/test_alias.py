"""`python -m standins.alias` redirects Bedrock's own host name to this machine for one program."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.alias import CANNOT, NAMES, main
from tests.support.third_party import missing

SECONDS = 60


def run(port: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program under the alias."""
    words = [sys.executable, "-m", "standins.alias", "--to", str(port), "--", *command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode == CANNOT:
        missing(done.stderr)
    return done


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """Serve one connection: read to its end, then write it back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                heard = b"".join(iter(lambda: connection.recv(65_536), b""))
                connection.sendall(heard[::-1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(SECONDS)


TALK = """
import socket, sys
with socket.create_connection((sys.argv[1], 443), 30) as connection:
    connection.sendall(bytes(range(256)) * 4096)
    connection.shutdown(socket.SHUT_WR)
    answer = b"".join(iter(lambda: connection.recv(65536), b""))
assert answer == (bytes(range(256)) * 4096)[::-1]
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_real_name_leads_to_a_port_of_this_machine(name: str) -> None:
    """A megabyte, its end and a megabyte back pass between the real name and a port of this machine."""
    with echo() as port:
        done = run(port, sys.executable, "-S", "-E", "-c", TALK, name)
    assert done.returncode == 0, done.stderr


def test_nothing_else_can_be_reached() -> None:
    """A connection to the real cloud, or to another port of this machine, fails at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host, number in (("127.0.0.1", port), ("192.0.2.1", 443)):
            program = f"import socket; socket.create_connection(({host!r}, {number}), 5)"
            done = run(port, sys.executable, "-S", "-E", "-c", program)
            assert done.returncode == 1
            assert "OSError" in done.stderr or "ConnectionRefusedError" in done.stderr


def test_this_machine_stays_as_it_is() -> None:
    """The program alone sees another /etc/hosts; that of this machine remains unchanged."""
    before = Path("/etc/hosts").read_bytes()
    done = run(9, "cat", "/etc/hosts")
    assert all(f"127.0.0.1 {name}\n" in done.stdout for name in NAMES)
    assert Path("/etc/hosts").read_bytes() == before


@pytest.mark.parametrize(("program", "code"), [("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_it_ends_as_the_program_does(program: str, code: int) -> None:
    """The command exits with the program's exit code."""
    assert run(9, "sh", "-c", program).returncode == code


def test_a_program_that_is_not_there_is_said_in_one_line() -> None:
    """A missing program causes one line and the exit code of a shell."""
    done = run(9, "/no/such/program")
    assert (done.returncode, done.stderr.count("\n")) == (127, 1)


def test_a_launcher_that_is_killed_leaves_no_program_behind() -> None:
    """The program ends when its launcher is killed; otherwise a client would wait forever for a stand-in."""
    run(9, "true")  # skips where such a network is not possible
    words = [sys.executable, "-m", "standins.alias", "--to", "9", "--", "sh", "-c", "echo $PPID; exec sleep 600"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        launcher.stdout.readline()
        launcher.kill()
        assert launcher.stdout.read() == ""  # the pipe closes when the last process that holds it has ended


def test_a_system_without_namespaces_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a system without namespaces the message says what to do: there, Compose provides the alias."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["--to", "9", "--", "true"]) == CANNOT
    assert "Compose" in capsys.readouterr().err
