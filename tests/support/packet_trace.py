"""Follow one packet through the product's files: who holds it, who hands it to whom.

A function holds a packet if an argument or its result contains one of the forms that the packet has on its way, such as
base64 in JSON. The profile function sees calls of this thread only, which is where the event loop runs.
"""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
_OURS = (f"{ROOT}/shared/agent_core/src/", f"{ROOT}/services/phone-agent/src/")
_DEPTH = 3
"""A packet in a fact in a list is two levels deep."""
_PARTS = 8
"""So that a long list costs little; a packet is in short ones."""


class PacketTrace:
    """Collects the files that hold a packet, in the order in which they first did.

    Args:
        forms: Bytes by which the packet is recognized, one of each form; those in text are ASCII.
    """

    def __init__(self, forms: Sequence[bytes]) -> None:
        self._forms = [(form, form.decode("ascii") if form.isascii() else None) for form in forms]
        self.holders: list[str] = []
        """Files, from the package on."""
        self._hands_to: dict[str, set[str]] = {}

    def passed(self, first: str, last: str) -> list[str]:
        """Return the files that the packet passes, without those that only look at it."""
        ahead, behind = self._reachable(first, self._hands_to), self._reachable(last, self._hands_back())
        return [file for file in self.holders if file in ahead & behind]

    def carriers(self, first: str, last: str) -> list[str]:
        """Return the files that pass the packet on, without those that convert it for a single other file."""
        back = self._hands_back()
        return [
            file
            for file in self.passed(first, last)
            if file in (first, last) or len(self._hands_to.get(file, set()) | back.get(file, set())) > 1
        ]

    def converters(self, first: str, last: str) -> list[str]:
        """Return the files that convert it for a single other file, such as a codec."""
        carriers = self.carriers(first, last)
        return [file for file in self.passed(first, last) if file not in carriers]

    def observers(self, first: str, last: str) -> list[str]:
        """Return the files that only look at it, or keep a copy."""
        passed = self.passed(first, last)
        return [file for file in self.holders if file not in passed]

    def _hands_back(self) -> dict[str, set[str]]:
        back: dict[str, set[str]] = {}
        for giver, takers in self._hands_to.items():
            for taker in takers:
                back.setdefault(taker, set()).add(giver)
        return back

    @staticmethod
    def _reachable(start: str, edges: dict[str, set[str]]) -> set[str]:
        seen, todo = {start}, [start]
        while todo:
            found = edges.get(todo.pop(), set()) - seen
            seen |= found
            todo += found
        return seen

    def profile(self, frame: FrameType, event: str, result: object) -> None:
        """Look at one call or return, see `sys.setprofile`."""
        file = _ours(frame)
        if file is None or event not in ("call", "return"):
            return
        if event == "call":
            code = frame.f_code
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            # An object that keeps the packet does not hold it in each of its methods.
            held: object = [frame.f_locals.get(name) for name in names if name not in ("self", "cls")]
        else:
            held = result
        if not self._contains(held, _DEPTH):
            return
        other = _caller(frame)
        giver, taker = (other, file) if event == "call" else (file, other)
        for holder in (giver, taker):
            if holder is not None and holder not in self.holders:
                self.holders.append(holder)
        if giver is not None and taker is not None and giver != taker:
            self._hands_to.setdefault(giver, set()).add(taker)

    def _contains(self, held: object, depth: int) -> bool:
        if isinstance(held, bytes | bytearray):
            return any(form in held for form, _ in self._forms)
        if isinstance(held, str):
            return any(text is not None and text in held for _, text in self._forms)
        return depth > 0 and any(self._contains(part, depth - 1) for part in _parts(held)[:_PARTS])


def _parts(held: object) -> list[object]:
    if isinstance(held, list | tuple):
        return list(held)
    if isinstance(held, dict):
        return list(held.values())
    if dataclasses.is_dataclass(held) and not isinstance(held, type):
        return [getattr(held, field.name, None) for field in dataclasses.fields(held)]
    return []


@contextmanager
def following(*forms: bytes) -> Iterator[PacketTrace]:
    """Follow a packet while the block runs; the profile function before it is set again afterwards."""
    trace = PacketTrace(forms)
    before = sys.getprofile()
    sys.setprofile(trace.profile)
    try:
        yield trace
    finally:
        sys.setprofile(before)


def _ours(frame: FrameType) -> str | None:
    name = frame.f_code.co_filename
    return next((name.removeprefix(folder) for folder in _OURS if name.startswith(folder)), None)


def _caller(frame: FrameType) -> str | None:
    """Return the nearest file of ours up the stack; libraries in between carry the packet for it."""
    above = frame.f_back
    while above is not None:
        if (file := _ours(above)) is not None:
            return file
        above = above.f_back
    return None
