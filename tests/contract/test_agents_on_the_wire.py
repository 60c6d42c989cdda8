"""Agents of any folder over Bedrock's wire: which one answers, in which language, and what an edit changes."""

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from standins.nova.agents import Cast
from standins.nova.backend import Backend, DeclaredTool
from standins.nova.pace import Pace
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.tones import LoudnessHearing, ToneVoice, tone_backend
from standins.nova.weather_dialogue.dialogue import Dialogue
from standins.speech.recognition import RecognitionService
from standins.speech.voice import VoiceService
from tests.contract.nova_peers.client import PCM, WEATHER, Connection, Stream
from tests.support.agent_tools import AGENTS, TOOLS

SETTINGS = NovaSettings(credentials=None, pace=Pace(speed=20.0, think=0.0))


class _Vocabularies(RecognitionService):
    """Records vocabularies instead of building them, which takes seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.learned: list[str] = []

    def learn(self, vocabularies: object) -> None:
        """Record the names."""
        self.learned += vocabularies  # type: ignore[arg-type]

    def knows(self, vocabulary: str) -> bool:
        """Return whether it has been recorded."""
        return vocabulary in self.learned


def _without_sound(cast: Cast) -> Backend:
    """Return a backend whose agents are real, and whose ears and voice are tones."""

    def silent(tools: Sequence[DeclaredTool], system: str) -> Backend:
        chosen = cast(tools, system)
        return Backend(LoudnessHearing(), ToneVoice(), chosen.dialogue, "")

    tones = tone_backend()
    return Backend(tones.hearing, tones.voice, Dialogue, "", cast=silent)


@contextlib.asynccontextmanager
async def standin(root: Path) -> AsyncIterator[tuple[_Vocabularies, Connection]]:
    """Run a stand-in that plays the folders."""
    words, voice = _Vocabularies(), VoiceService()
    backend = _without_sound(Cast(root, words, voice))
    async with NovaStandin(SETTINGS, backend) as nova, Connection.to(nova.h2c_port) as connection:
        yield words, connection
    await voice.aclose()


def _tools(agent: str) -> dict[str, object]:
    """Return the tools of a prompt as the wire has them."""
    return {
        "tools": [
            {"toolSpec": {"name": tool.name, "description": "", "inputSchema": {"json": json.dumps(tool.schema)}}}
            for tool in TOOLS[agent]
        ]
    }


def _open(connection: Connection, system: str, words: str, tools: object = None) -> Stream:
    """Start a conversation with this system prompt and these first words."""
    stream = connection.open()
    stream.send("sessionStart")
    configuration = {} if tools is None else {"toolConfiguration": tools}
    stream.send("promptStart", audioOutputConfiguration=PCM, **configuration)
    stream.text("system", "SYSTEM", system)
    stream.send("contentStart", contentName="line", type="AUDIO", role="USER", audioInputConfiguration=PCM)
    stream.text("first", "USER", words, interactive=True)
    return stream


async def test_the_prompt_decides_which_agent_answers() -> None:
    """By name, by tools, the weather by its own; a prompt of nobody gets small talk."""
    async with standin(AGENTS) as (words, connection):
        said = await _open(connection, "You answer for Northside Garage.", "can I pay by card").until("textOutput")
        assert said["content"] == "Yes, we accept all credit cards."
        stream = _open(connection, "Be kind.", "a table for two on Friday", _tools("trattoria"))
        use = await stream.until("toolUse")
        assert (use["toolName"], json.loads(use["content"])) == ("book_table", {"people": 2, "day": "friday"})
        stream.answer_tool(use["toolUseId"], json.dumps({"speak": "Booked."}))
        assert (await stream.until("textOutput"))["content"] == "Booked."
        said = await _open(connection, "Be kind.", "what is the weather", {"tools": [WEATHER]}).until("textOutput")
        assert said["content"] == "Which city?"
        said = await _open(connection, "Be kind.", "a table for two").until("textOutput")
        assert said["content"] == "I only know small talk in this call."
    assert [name.partition("@")[0] for name in words.learned] == ["dentist", "garage", "trattoria"]


async def test_a_french_agent_answers_what_is_typed() -> None:
    """Typed French leads to a tool with its values, and has no vocabulary for the ear."""
    async with standin(AGENTS) as (words, connection):
        system = "You answer for Boulangerie Lambert.\nSois bref."
        stream = _open(connection, system, "je voudrais deux baguettes pour lundi", _tools("boulangerie"))
        use = await stream.until("toolUse")
        assert json.loads(use["content"]) == {"count": 2, "day": "monday"}
    assert not any(name.startswith("boulangerie") for name in words.learned)


async def test_an_edit_counts_from_the_next_conversation(tmp_path: Path) -> None:
    """A new line is known to the next conversation and not to the current one; its words are learned."""
    shutil.copytree(AGENTS / "garage", tmp_path / "garage")
    system = "You answer for Northside Garage."
    async with standin(tmp_path) as (words, connection):
        before = _open(connection, system, "do you sell bicycles")
        assert (await before.until("textOutput"))["content"].startswith("Sorry, I did not understand that.")
        with (tmp_path / "garage/rehearsals/service.yaml").open("a") as file:
            file.write("- {rehearsal: bicycles, says: do you sell bicycles, answers: 'No, only cars.'}\n")
        after = _open(connection, system, "do you sell bicycles")
        assert (await after.until("textOutput"))["content"] == "No, only cars."
        before.text("again", "USER", "do you sell bicycles", interactive=True)
        said = await before.until(
            "textOutput", lambda body: "only cars" in body["content"] or "understand" in body["content"]
        )
        assert "understand" in said["content"]
    assert len(words.learned) == 2


async def test_values_that_only_the_prompt_lists_are_learned_once() -> None:
    """An enum that the folder does not contain becomes part of the agent's words, at the first prompt that has it."""
    words, voice = _Vocabularies(), VoiceService()
    cast = Cast(AGENTS, words, voice)
    before = len(words.learned)
    listed = DeclaredTool("book_service", {"properties": {"service": {"type": "string", "enum": ["new wipers"]}}})
    for _ in range(2):
        cast([listed], "You answer for Northside Garage.")
    assert len(words.learned) == before + 1
    await voice.aclose()


async def test_a_foreign_caller_is_not_given_english_words() -> None:
    """Without a vocabulary, a turn is noticed and has no words; so the agent asks to write."""
    hearing = RecognitionService(most_workers=1)
    voice = VoiceService()
    ear = hearing.listen(8_000, vocabulary=None)
    sound = await voice.speak("Two purple lizards.", 8_000)
    padded = bytes(8_000) + sound + bytes(16_000)
    events = [event for start in range(0, len(padded), 320) for event in await ear.feed(padded[start : start + 320])]
    await ear.aclose()
    await voice.aclose()
    assert [getattr(event, "text", None) for event in events] == [None, ""]
