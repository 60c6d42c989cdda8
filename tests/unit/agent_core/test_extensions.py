"""An adopter's processors and observers see and change the words of a conversation, and cannot break it."""

import re
from pathlib import Path
from typing import Any, Never

import pytest
from pipecat.observers.base_observer import BaseObserver, FramePushed

from agent_core.events import EndReason
from agent_core.extensions import ExtensionFactory, Extensions
from tests.support import scripted_model as say
from tests.support.session_stage import Stage, running_session
from tests.support.waiting import until

GUIDE = Path(__file__).parents[3] / "docs/howto/add-a-processor.md"
SOUND = b"\x01\x00" * 80


def example() -> dict[str, Any]:
    """Run the guide's code; return what it defines."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102 - the test runs the guide's own code
    return made


async def _talk(stage: Stage) -> None:
    """Let the caller and the agent say a number."""
    stream = await stage.model.stream()
    stream.say(*say.heard("my card is 4111 1111 1111 1111"), *say.answer("You said 4111111111111111.", SOUND))
    await until(lambda: stage.voice.events.count("finish_answer") == 1)


async def test_the_guide_redacts_and_writes(tmp_path: Path) -> None:
    """The file has both sides without the number; the caller hears the reply as it is."""
    made = example()
    async with running_session(extend=lambda session_id: made["transcripts_in"](tmp_path, session_id)) as (stage, _):
        await _talk(stage)
        written = tmp_path / f"{stage.session.session_id}.txt"
        await until(lambda: written.exists() and written.read_text().count("\n") == 2)
        stage.session.end(EndReason.CALLER_HUNG_UP)
    assert written.read_text() == "caller: my card is [number]\nagent: You said [number].\n"
    assert "play" in stage.voice.events


def _broken(_session_id: str) -> Never:
    raise ZeroDivisionError


class _Broken(BaseObserver):
    async def on_push_frame(self, data: FramePushed) -> None:
        del data
        raise ZeroDivisionError


def _broken_observer(_session_id: str) -> Extensions:
    return Extensions(observers=[_Broken()])


@pytest.mark.parametrize("extend", [_broken, _broken_observer], ids=["factory", "observer"])
async def test_a_defect_in_an_extension_costs_no_call(extend: ExtensionFactory) -> None:
    """The conversation continues, and has its record."""
    async with running_session(extend=extend) as (stage, _):
        await _talk(stage)
        stage.session.end(EndReason.CALLER_HUNG_UP)
    assert [record.reason for record in stage.records] == [EndReason.CALLER_HUNG_UP]
    assert stage.session.stats.agent_turns == 1
