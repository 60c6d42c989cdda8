"""Was the call as expected? Every answer is a sentence, an empty list means yes."""

from collections.abc import Sequence
from dataclasses import dataclass

from standins.cli.caller import CallResult
from standins.cli.running import ModelView
from standins.cli.turns import Spoken, Turn, choices, choose
from standins.speech import contains


@dataclass
class Reviewed:
    """A call with what is known of it beside the line itself."""

    result: CallResult
    view: ModelView | None
    transcripts: list[str | None]
    """What the recogniser made of the greeting and of each answer; None where there is nothing."""

    @property
    def transcript(self) -> str:
        """All of it."""
        return " ".join(text for text in self.transcripts if text)


@dataclass(frozen=True)
class Expected:
    """What a call is held against."""

    tool: str
    text: str
    turns: Sequence[Turn]
    inside_visible: bool
    """Whether tools can be seen: not from outside a deployment."""
    speech: bool = False
    """Whether the agent itself has to answer, and not a recording such as its apology."""


def judge(call: Reviewed, expected: Expected) -> list[str]:
    """Return what is wrong with a call."""
    wrong = [call.result.failure] if call.result.failure else []
    if expected.speech and not wrong:
        wrong += _silence(call.result)
    if expected.tool:
        wrong += _tool(call.view, expected)
    if expected.text:
        text = choose(expected.text, call.result.caller)
        if not contains(call.transcript, text):
            wrong.append(f"expected to hear {text!r}, the recogniser heard {call.transcript!r}")
    return wrong + _cross_talk(call, expected.turns)


def _silence(result: CallResult) -> list[str]:
    """Look for an answer of the agent's own: it marks the end of what it says, and of no recording."""
    asked = result.turns[-1].began if result.turns else 0.0
    if any(mark.at >= asked for mark in result.timeline.named("mark")):
        return []
    return ["the agent did not answer: the caller heard recordings at most, so it cannot reach its model"]


def _tool(view: ModelView | None, expected: Expected) -> list[str]:
    if not expected.inside_visible:
        return [f"expected the tool {expected.tool}, but tools cannot be seen from outside a deployment"]
    if view is None:
        return [f"expected the tool {expected.tool}, but the model stand-in knows no session of this call"]
    used = [tool["name"] for tool in view.tools]
    if expected.tool in used:
        return []
    return [f"expected the tool {expected.tool}, used: {', '.join(used) or 'none'}"]


def _cross_talk(call: Reviewed, turns: Sequence[Turn]) -> list[str]:
    """Look in one caller's sound for what only others asked about."""
    wrong = []
    for turn in turns:
        if isinstance(turn, Spoken):
            own = choose(turn.text, call.result.caller)
            others = [part for part in choices(turn.text) if not contains(own, part)]
            wrong += [
                f"heard {other!r}, which another caller asked" for other in others if contains(call.transcript, other)
            ]
    return wrong
