"""The audit of a service: it balances what happened since it was opened, and ignores what was there before."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from standins.nova.session_records import SessionLedger, SessionRecord, ToolRun
from tests.support.audit import Audit
from tests.support.ledger import Held

OLD = {"event": "session_started", "session_id": "old"}
BEGAN = {"event": "session_started", "session_id": "s1", "call_sid": "CA1"}
MODEL = {"event": "model_session_started", "session_id": "s1", "model_session_id": "m1"}
OVER = {"event": "session_ended", "session_id": "s1", "call_sid": "CA1", "reason": "caller_hung_up"}


@dataclass
class Service:
    """An idle process, and a log that tests write."""

    process: asyncio.subprocess.Process
    log: Path

    async def has_answered(self) -> None:
        """Wait for a line of the process."""
        assert self.process.stdout is not None
        await asyncio.wait_for(self.process.stdout.readline(), 10)

    def held(self) -> Held:
        """Count what the process holds."""
        return Held.by(self.process.pid)

    def writes(self, *lines: object) -> None:
        """Add lines to the log."""
        with self.log.open("a") as log:
            log.writelines(f"{json.dumps(line)}\n" for line in lines)


KEEPS_FILES = "print(flush=True); input(); kept = [open('/dev/null') for _ in range(4)]; print(flush=True); input()"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """Run a process that opens four files on request."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KEEPS_FILES, stdin=pipe, stdout=pipe)
    service = Service(process, tmp_path / "log")
    await service.has_answered()
    service.writes(OLD)
    yield service
    process.kill()
    await process.communicate()


def _streams(*, ended: bool = True, answered: bool = True) -> SessionLedger:
    record = SessionRecord("m1", "request", "model", "key", opened_at=1)
    record.tools = [ToolRun("get_current_weather", "u1", {}, {} if answered else None, at=2)]
    streams = SessionLedger()
    streams.open(record)
    if ended:
        streams.close(record, "ended")
    return streams


async def test_a_conversation_that_ended_balances_until_files_stay_open(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unbalanced past does not count; more open files than clients keep for their next request do."""
    monkeypatch.setattr("tests.support.audit.HELD_SECONDS", 0.2)
    streams = SessionLedger()
    audit = Audit(service, streams)
    service.writes(BEGAN, MODEL, OVER)
    new = _streams()
    streams.sessions.update(new.sessions)
    await audit.balance()
    assert service.process.stdin is not None
    service.process.stdin.write(b"\n")
    await service.has_answered()
    with pytest.raises(TimeoutError):
        await audit.balance()


@pytest.mark.parametrize(
    ("lines", "streams"),
    [
        ([BEGAN, MODEL], _streams()),
        ([BEGAN, MODEL, OVER, OVER], _streams()),
        ([BEGAN, MODEL, OVER], _streams(ended=False)),
        ([BEGAN, MODEL, OVER], _streams(answered=False)),
        ([BEGAN, MODEL, OVER, {"event": "library", "level": "error"}], _streams()),
    ],
    ids=["no end", "two ends", "an open stream", "a forgotten tool", "an error of nobody"],
)
async def test_what_does_not_balance_is_found(
    service: Service, lines: list[dict[str, str]], streams: SessionLedger
) -> None:
    """The audit reports each kind of imbalance."""
    before = SessionLedger()
    audit = Audit(service, before)
    service.writes(*lines)
    before.sessions.update(streams.sessions)
    before.streams_open = streams.streams_open
    with pytest.raises(AssertionError):
        await audit.balance()
