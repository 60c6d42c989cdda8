"""Plays how a model captures a value that has a handle: asks, passes on what it heard, and waits for a yes. No I/O.

It knows only what the prompt's tools say about it: the description of a parameter, and the results of `capture`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from standins.agents.rehearsals import CAPTURE
from standins.agents.words import spelled
from standins.nova.small_talk import SmallTalk
from standins.nova.steps import Say, UseTool

_KIND = re.compile(rf"\bhandle that {CAPTURE} returned for kind (\w+)")
_SHORT = 3
"""Words of a yes or no that is nothing else."""
_SIGNS = frozenset({"at", "dot", "dash", "double", "triple", "underscore", "hyphen", "plus"})
_SPELLED = 2


def kind_of(description: str) -> str:
    """Return the kind of value whose handle a parameter takes; empty if it takes none."""
    found = _KIND.search(description)
    return found[1] if found else ""


@dataclass(frozen=True)
class Pending:
    """A value that is being captured.

    Attributes:
        name: The parameter that takes it.
        kind: Of the value.
        handle: As the tool returned it; empty before.
        status: Of the last result: asked, check, spell, type, keypad or failed.
    """

    name: str
    kind: str
    handle: str = ""
    status: str = "asked"


class CaptureTalk:
    """The values of one conversation."""

    def __init__(self) -> None:
        self._pending: Pending | None = None
        self._last: Pending | None = None

    def ask(self, name: str, kind: str) -> None:
        """Wait for a value."""
        self._pending = Pending(name, kind)

    def heard(self, text: str, remark: SmallTalk | None) -> UseTool | Pending | None:
        """Return what follows from the caller's words: a call of the tool, a confirmed value, or nothing."""
        pending, words = self._pending, spelled(text)
        if pending is None:
            # "No, it is d o e" also corrects a value that a tool has already.
            if self._last is None or not (words[:1] == ("no",) and is_spelled(text)):
                return None
            pending = self._last
        elif pending.status == "check":
            is_plain = len(words) <= _SHORT and not is_spelled(text)
            if remark is SmallTalk.YES and not is_spelled(text):
                self._pending, self._last = None, pending
                return pending
            if remark is SmallTalk.NO and is_plain:
                return self._call(pending, "")
            # Anything else that is not spelled may be another wish.
            if remark is not SmallTalk.NO and not is_spelled(text):
                return None
        return self._call(pending, text)

    def result(self, result: object) -> tuple[Say, ...]:
        """Return what the tool's result asks to say."""
        if not isinstance(result, Mapping):
            return ()
        if self._pending is not None:
            self._pending = replace(
                self._pending,
                handle=str(result.get("handle") or self._pending.handle),
                status=str(result.get("status") or "spell"),
            )
            if self._pending.status == "failed":
                self._pending = None
        speak = result.get("speak")
        return (Say(speak),) if isinstance(speak, str) and speak else ()

    def typed(self, handle: str) -> None:
        """Record that the caller has typed a value, and hears it now."""
        if self._pending is not None:
            self._pending = replace(self._pending, handle=handle, status="check")

    def assume(self) -> None:
        """Replay a call whose result is not in the history: most values are understood."""
        if self._pending is not None:
            handle = self._pending.handle or f"{self._pending.kind}_1"
            self._pending = replace(self._pending, handle=handle, status="check")

    def _call(self, pending: Pending, heard: str) -> UseTool:
        self._pending = pending
        arguments: dict[str, Any] = {"kind": pending.kind, "heard": heard}
        return UseTool(CAPTURE, arguments | ({"handle": pending.handle} if pending.handle else {}))


def is_spelled(text: str) -> bool:
    """Return whether words contain letters, digits or signs of a value."""
    words = spelled(text)
    single = sum(len(word) == 1 or word.isdecimal() for word in words)
    return single >= _SPELLED or "@" in text or (bool(_SIGNS.intersection(words)) and len(words) > _SHORT)
