"""Balance the books of a soak: the stand-ins' records, the services' logs and what callers heard must agree."""

import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from standins.nova.session_records import Said, SessionRecord
from tests.soak.people import Call
from tests.support import leaks, ledger
from tests.support.audit import Audit
from tests.support.edge_setting import PHONE
from tests.support.fleet import Fleet, Task
from tests.support.waiting import until

IDLE_SECONDS = 20.0
"""Seconds after the last caller has left, by which every stream is closed and every slot is free."""

type Check = Callable[[], None]


class Books:
    """The books of each task, opened when it starts; see `of_running_tasks` and `of_everything`.

    Args:
        ships: All that runs.
    """

    def __init__(self, ships: Fleet) -> None:
        self._ships = ships
        self._audits: dict[Task, Audit] = {}
        leaks.plant([ships.exchange.settings.auth_token])

    def open(self, task: Task) -> None:
        """Record what a task holds before its first call."""
        self._audits[task] = Audit(task.service, self._ships.nova.ledger)

    async def of_running_tasks(self) -> list[str]:
        """Balance L1, L2, L4, L6 and L10 of each running task: what only the end of the process frees is a leak.

        Returns:
            What does not balance, in words.
        """
        found = []
        try:
            await until(self._are_idle, IDLE_SECONDS)
        except TimeoutError:
            found.append(f"{self._ships.nova.ledger.streams_open} streams open after the last call (L2)")
        for task in self._ships.tasks:
            try:
                await self._audits[task].balance()
            except TimeoutError:
                found.append(f"{task.name} holds more threads or descriptors than before its first call (L4)")
            except AssertionError as error:
                found.append(f"{task.name}: {_what(error)}")
        return found

    async def _are_idle(self) -> bool:
        places = [await task.service.sessions() for task in self._ships.tasks]
        return self._ships.nova.ledger.streams_open == 0 and not any(places)

    def of_everything(self, clean: list[Call], codes: dict[str, int]) -> Iterator[str]:
        """Balance what is known once all processes have ended.

        Args:
            clean: Calls without a fault.
            codes: How the processes ended.

        Yields:
            What does not balance, in words.
        """
        for name, check in self._checks(clean).items():
            try:
                check()
            except AssertionError as error:
                yield f"{name}: {_what(error)}"
        if bad := {name: code for name, code in codes.items() if code != 0}:
            yield f"exit codes: {bad}"

    def _checks(self, clean: list[Call]) -> dict[str, Check]:
        sids = {call.sid for call in clean}
        ends = [{"event": "session_ended", **record} for record in self._ships.records(PHONE)]
        of_clean = [end for end in ends if end["call_sid"] in sids]
        checks: dict[str, Check] = {
            "end records (L1)": lambda: ledger.one_end_for_each(of_clean, sids),
            "end reasons": lambda: _all_hung_up(of_clean),
            "streams (L2)": lambda: ledger.streams_are_closed(self._ships.nova.ledger),
            "sound (L5, L8)": lambda: _all_was_heard(clean, self._sessions_of_calls(), self._announced()),
        }
        for task in self._ships.all_tasks:
            checks[f"log of {task.name} (L10)"] = lambda task=task: _log_is_clean(task.service.log)  # type: ignore[misc]
        checks["protection"] = lambda: ledger.no_protection_is_asked_for(self._ships.ecs.tasks.values())
        return checks

    def _announced(self) -> set[str]:
        return {str(line["call_sid"]) for task in self._ships.all_tasks for line in task.lines("announcement_played")}

    def _sessions_of_calls(self) -> dict[str, list[SessionRecord]]:
        known = self._ships.nova.ledger.sessions
        found: dict[str, list[SessionRecord]] = {}
        for task in self._ships.all_tasks:
            for line in task.lines("model_session_started"):
                found.setdefault(str(line["call_sid"]), []).append(known[line["model_session_id"]])
        return found


def _all_hung_up(ends: Iterable[dict[str, Any]]) -> None:
    others = sorted({str(end["reason"]) for end in ends} - {"caller_hung_up"})
    assert not others, f"calls without a fault ended for another reason than their caller's: {', '.join(others)}"


def _all_was_heard(calls: Iterable[Call], sessions: dict[str, list[SessionRecord]], announced: set[str]) -> None:
    for call in calls:
        said = sorted((words for session in sessions.get(call.sid, []) for words in session.said), key=_when)
        what_was_said_was_heard(call, said, only_that=call.sid not in announced)


def what_was_said_was_heard(call: Call, said: Iterable[Said], *, only_that: bool = True) -> None:
    """Check L5 and L8, by notes: the caller heard what the model said, each note once and in order.

    A caller may leave during the last note, and may or may not hear a note that they interrupted.

    Args:
        call: A call without a fault.
        said: Notes of the model, in order.
        only_that: Whether only the model spoke: the product plays announcements during long waits, with other notes.
    """
    notes = [(pitch, all(words.interrupted for words in run)) for pitch, run in groupby(said, key=_pitch)]
    what = f"{call.sid} was told {[pitch for pitch, _ in notes]} and heard {call.heard}"
    rest, last = list(call.heard), 0
    for pitch, was_cut in notes:
        at = rest.index(pitch) if pitch in rest else None
        if at == 0 or (at and not only_that):
            del rest[: at + 1]
            last = pitch
        else:  # two notes of one pitch without a pause are heard as one
            assert was_cut or pitch == last, what
    assert not only_that or len(rest) <= 1, what


def _pitch(words: Said) -> int:
    return int(re.findall(r"\d+", words.text)[0])


def _when(words: Said) -> float:
    return words.at


def _log_is_clean(log: Path) -> None:
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = list(leaks.in_log(lines))
    assert not found, f"{len(found)} lines have what no log may have, such as {found[0]}"
    errors = [line for line in _all_lines(log) if line.get("level") == "error"]
    ledger.log_is_clean(errors)


def _all_lines(log: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]


def _what(error: AssertionError) -> str:
    """Return the message of a check that failed, or its line if it has no message."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return str(error)[:300] or f"line {where.lineno} of {Path(where.filename).name}"
