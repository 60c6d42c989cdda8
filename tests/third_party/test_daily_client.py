"""Daily's own, unmodified client when Daily does not answer: a join may cost only its own visit.

The REST service answers, so rooms are created; the servers that carry calls reject connections, or accept them and stay
silent.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from standins.alias import CANNOT
from tests.support.third_party import CLIENTS, missing

NAMES: Final = tuple(f"gs.staging.{domain}" for domain in ("daily.co", "dailywebrtc.com", "dailywebrtc.net"))
"""Where Daily's client (daily-python 0.36) looks for a room outside of Daily's domains, one after the other."""
VISITS: Final = 10
RUN_SECONDS: Final = 240.0
REASONS: Final = {"agent_not_joined", "daily_call_failed"}
"""Why a visit ended: our timeout of 20 s for the join, or an error of Daily's client after 19 s or more."""
pytestmark = [pytest.mark.real_time("Daily's client is native code"), pytest.mark.timeout(RUN_SECONDS + 60)]

type Json = dict[str, Any]


@contextmanager
def answering(kind: str) -> Iterator[int]:
    """Accept connections in place of Daily's servers.

    Args:
        kind: "silent" keeps them open and sends nothing; "refusing" closes them, every second one after bytes that
            are not TLS.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    kept.append(server.accept()[0])
                    if kind == "refusing":
                        with suppress(OSError), kept[-1] as connection:
                            if len(kept) % 2:
                                connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for connection in kept:
        connection.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Json, list[Json]]]:
    """Run a service in both networks at the same time; return its visitors' reports and its log."""
    runs: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
    reports: dict[str, tuple[Json, list[Json]]] = {}
    with answering("silent") as silent, answering("refusing") as refusing:
        try:
            for kind, port in (("silent", silent), ("refusing", refusing)):
                folder = tmp_path_factory.mktemp(kind)
                runs[kind] = (_start(port, folder), folder)
            for kind, (process, folder) in runs.items():
                reports[kind] = (_report(process), _log(folder / "web.log"))
        finally:
            for process, _ in runs.values():
                process.kill()
                process.wait()
    return reports


def _start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    names = [word for name in NAMES for word in ("--name", name)]
    program = [sys.executable, str(CLIENTS / "daily_visits.py")]
    return subprocess.Popen(
        [sys.executable, "-m", "standins.alias", "--to", str(port), *names, "--", *program],
        cwd=folder,
        # Without our own variables, such as the tests' clock.
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _report(process: subprocess.Popen[bytes]) -> Json:
    output, errors = process.communicate(timeout=RUN_SECONDS)
    if process.returncode == CANNOT:
        missing(errors.decode())
    assert process.returncode == 0, f"{output.decode()[-2000:]}\n{errors.decode()[-4000:]}"
    return dict(json.loads(output))


def _log(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("kind", ["silent", "refusing"])
def test_a_join_that_fails_costs_its_own_visit_only(reports: dict[str, tuple[Json, list[Json]]], kind: str) -> None:
    """`/health` answers throughout, each visit has one record and releases its slot, SIGTERM ends the process."""
    report, log = reports[kind]
    assert report["starts"] == [200] * (VISITS + 1)
    assert report["probe"]["failures"] == 0, report
    assert report["probe"]["answers"] > VISITS
    assert report["places_taken"] == 0
    assert report["exit_code"] == 0, report
    ended = [line for line in log if line.get("event") == "session_ended"]
    assert len({line["web_session_id"] for line in ended}) == len(ended) == VISITS + 1
    assert [line["reason"] for line in ended[:VISITS]] == ["media_disconnected"] * VISITS
    assert len([line for line in log if line.get("event") in REASONS]) >= VISITS
    assert "lookup address" not in str(log)  # a name without an address would mean the wrong network
    assert len(report["rooms"]) == VISITS + 1
    assert sorted(report["rooms"]) == sorted(report["deleted"])
