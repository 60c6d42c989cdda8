"""Search every log and every answer of a test run for planted secrets, and fail a run that leaks one.

Logs are read once, at the end: a service's log is a `.jsonl` or `.log` below pytest's folder for temporary files,
wherever its test put it. Answers are searched as they arrive in this process, over HTTP and WebSockets, and so is the
output of tests. It cannot see what a browser loads.

Where pytest-xdist distributes the run, each process searches its own answers, and the reporting one searches the logs
and all output.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.protocol import Protocol

from tests.support import leaks
from tests.support.processes import hand_over, handed_over, is_a_part

_SUFFIXES: Final = {".jsonl", ".log"}
_MOST: Final = 20
"""Leaks in the report; the first one is the one to fix."""


class LeakWatch:
    """A plugin of pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._leaks: list[str] = []
        self._logs = self._answers = 0
        self._undo: list[Callable[[], None]] = []

    def pytest_sessionstart(self) -> None:
        """Start to search answers."""
        read, aread, receive_data = httpx.Response.read, httpx.Response.aread, Protocol.receive_data

        def looked_at(response: httpx.Response) -> bytes:
            return self._http(response, read(response))

        async def looked_at_later(response: httpx.Response) -> bytes:
            return self._http(response, await aread(response))

        def seen(protocol: Protocol, piece: bytes) -> None:
            self._answer(bytes(piece), "a WebSocket")
            receive_data(protocol, piece)

        self._replace(httpx.Response, read=looked_at, aread=looked_at_later)
        self._replace(Protocol, receive_data=seen)

    def _replace(self, owner: type, **others: Callable[..., Any]) -> None:
        for name, other in others.items():
            self._undo.append(partial(setattr, owner, name, getattr(owner, name)))
            setattr(owner, name, other)

    def _http(self, response: httpx.Response, body: bytes) -> bytes:
        headers = b"\n".join(value for _, value in response.headers.raw)
        self._answer(headers + b"\n" + body, f"the answer {response.status_code}")
        return body

    def _answer(self, answer: bytes, where: str) -> None:
        self._answers += 1
        self._leaks += [
            f"{what} in {where} during {os.environ.get('PYTEST_CURRENT_TEST', '?')}" for what in leaks.in_answer(answer)
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search the output of a test, and of services inside it."""
        if report.when == "call" and not is_a_part(self._config):
            printed = leaks.in_output(f"{report.capstdout}\n{report.capstderr}")
            self._leaks += [f"{what} in the output of {report.nodeid}" for what in printed]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search the logs, and fail the run if any process found a leak."""
        for undo in reversed(self._undo):
            undo()
        if is_a_part(self._config):
            hand_over(self._config, "leaks", self._leaks)
            hand_over(self._config, "answers", self._answers)
            return
        for log in self._files():
            self._logs += 1
            with log.open(encoding="utf-8", errors="replace") as lines:
                self._leaks += [f"{what} of {log.name}" for what in leaks.in_log(lines)]
        if self._leaks and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Add what another process found."""
        self._leaks += handed_over(node, "leaks", [])
        self._answers += handed_over(node, "answers", 0)

    def _files(self) -> list[Path]:
        factory = getattr(self._config, "_tmp_path_factory", None)
        base: Path | None = getattr(factory, "_basetemp", None)  # None: no test asked for a folder
        if base is None or not base.is_dir():
            return []
        return sorted(path for path in base.rglob("*") if path.suffix in _SUFFIXES and path.is_file())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what was searched, and what was found."""
        if not (self._leaks or self._logs):
            return
        terminalreporter.section("leaks")
        for leak in self._leaks[:_MOST]:
            terminalreporter.write_line(leak)
        terminalreporter.write_line(
            f"{len(self._leaks)} secrets, numbers or words in {self._logs} logs and {self._answers} answers"
        )
