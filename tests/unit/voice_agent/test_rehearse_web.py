"""Which tools a rehearsal on the web's wire has seen, although the page is not shown all of them."""

import pytest

from voice_agent.rehearse.rehearsals import NO_TOOL, Expectation, Turn
from voice_agent.rehearse.visitor import Message
from voice_agent.rehearse.web import tools_shown


def _used(*names: str) -> list[Message]:
    return [Message("llm-function-call-in-progress", {"tool_call_id": "x", "function_name": name}) for name in names]


@pytest.mark.parametrize(
    ("used", "expected", "found"),
    [
        # Behind a shown tool, the hidden one is the other that is expected.
        (["", "find"], Expectation(before=("identify",), tool="find"), ["identify", "find"]),
        (["find", ""], Expectation(before=("find",), tool="capture"), ["find", "capture"]),
        ([""], Expectation(tool="capture"), ["capture"]),
        # One more than expected, or one where none is expected, is not named.
        (["", ""], Expectation(tool="capture"), ["capture", "a tool that the page does not show"]),
        ([""], Expectation(tool=NO_TOOL), ["a tool that the page does not show"]),
        (["other"], Expectation(tool="find"), ["other"]),
        ([""], Expectation(ends=True), ["end_call"]),
        ([""], Expectation(tool="transfer_to_human"), ["transfer_to_human"]),
    ],
)
def test_a_tool_that_the_page_hides_is_one_that_is_expected(
    used: list[str], expected: Expectation, found: list[str]
) -> None:
    """A hidden tool has no name on the wire; any tool with a name is compared by it."""
    turn = Turn("hello", "", expected, line=1)
    assert [each.name for each in tools_shown(_used(*used), turn, ended=True)] == found
