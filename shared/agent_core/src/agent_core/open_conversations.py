"""Describe the conversations that a task holds, so that another task can write their end records. No I/O.

A list has identifiers and figures, as an end record has: no words, no phone number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from agent_core.errors import ProtocolError
from agent_core.events import CallDetailRecord, EndReason, SessionStats

MAX_ROWS: Final = 500
"""Conversations in one list: an item of DynamoDB has at most 400 KB, and a row about 400 bytes."""
SILENT_SECONDS: Final = 60.0
"""A task that has not written its list for so long is lost. It writes every twenty seconds."""


class Unreadable(ProtocolError):
    """These bytes are not a list."""


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """One conversation.

    Attributes:
        record: Its end record if the task is lost now.
        returns_within: Seconds for which its caller may still return to another task.
    """

    record: CallDetailRecord
    returns_within: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskList:
    """The conversations of one task.

    Attributes:
        task: Names the task.
        at: Unix seconds at which the task wrote it.
        rows: Its conversations.
    """

    task: str
    at: float
    rows: tuple[OpenConversation, ...]

    def encode(self) -> bytes:
        """Serialize the list, cut to its bound."""
        rows = [[_plain(row.record), row.returns_within] for row in self.rows[:MAX_ROWS]]
        return orjson.dumps({"task": self.task, "at": self.at, "rows": rows})

    def is_lost(self, now: float) -> bool:
        """Return whether its task has been silent for too long."""
        return now - self.at > SILENT_SECONDS


def decode(text: bytes) -> TaskList:
    """Parse what `TaskList.encode` wrote, possibly in another version of this program.

    Raises:
        Unreadable: it is something else.
    """
    try:
        fields: dict[str, Any] = orjson.loads(text)
        rows = tuple(OpenConversation(_record(row), float(seconds)) for row, seconds in fields["rows"])
        return TaskList(str(fields["task"]), float(fields["at"]), rows)
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(type(error).__name__) from None


def lost(lists: Sequence[TaskList], now: float) -> list[CallDetailRecord]:
    """Return the end records of conversations that no task holds any more.

    A conversation that several tasks list has moved between them: the newest list is right.
    """
    newest: dict[str, tuple[TaskList, OpenConversation]] = {}
    for one in sorted(lists, key=lambda each: each.at):
        newest |= {row.record.session_id: (one, row) for row in one.rows}
    return [row.record for one, row in newest.values() if _is_over(one, row, now)]


def is_done(one: TaskList, now: float) -> bool:
    """Return whether every conversation of a list is over, so that the list is no longer needed."""
    return one.is_lost(now) and all(_is_over(one, row, now) for row in one.rows)


def _is_over(one: TaskList, row: OpenConversation, now: float) -> bool:
    return now - one.at > SILENT_SECONDS + row.returns_within


def _plain(record: CallDetailRecord) -> dict[str, Any]:
    # Zeros are left out: most counts of most conversations are zero.
    return {name: value for name, value in asdict(record).items() if name != "stats"} | {
        "stats": {name: value for name, value in asdict(record.stats).items() if value}
    }


def _record(fields: dict[str, Any]) -> CallDetailRecord:
    known = {name: fields[name] for name in fields if name in CallDetailRecord.__slots__}
    stats = {name: value for name, value in fields["stats"].items() if name in SessionStats.__dataclass_fields__}
    return CallDetailRecord(**known | {"reason": EndReason(fields["reason"]), "stats": SessionStats(**stats)})


def rows_of(records: Iterable[OpenConversation]) -> tuple[OpenConversation, ...]:
    """Return one row for each conversation; a later one replaces an earlier one."""
    return tuple({row.record.session_id: row for row in records}.values())
