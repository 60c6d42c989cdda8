"""A caller of an agent hears its language only, from the ring to the goodbye, whatever fails in between."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.announcements import Announcement, Recordings
from agent_core.call_state import CallState
from agent_core.events import Disclosure
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences
from agent_core.settings import CoreSettings
from phone_agent import ulaw
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import DialScript, ExchangeSettings
from tests.support import scripted_model as say
from tests.support.call_shelves import Memo
from tests.support.caller import Caller
from tests.support.phone_in_process import PhoneInProcess, phone_in_process
from tests.support.scripted_model import ScriptedModel
from tests.support.stranger import Stranger, next_event
from tests.support.waiting import until

SECOND = b"\x00\x10" * 8000
NAME = "Chez Léa"
SPOKEN = ["fr-FR", "de-DE"]
AGENT = """
name: Chez Léa
language: {language}
people:
  - {{name: salle, address: "tel:+15005550009"}}
  - {{name: office, address: "tel:+15005550009", language: en-GB}}
"""


def agents(folder: Path, language: str) -> AgentCatalogue:
    """Write an agent's folder, and read it."""
    (folder / "lea").mkdir()
    (folder / "lea/agent.yaml").write_text(AGENT.format(language=language), encoding="utf-8")
    (folder / "lea/instructions.md").write_text("Take bookings.", encoding="utf-8")
    return AgentCatalogue.read(folder, FolderContext(CoreSettings.model_validate({}), {}))


@asynccontextmanager
async def service(
    folder: Path, language: str, *, store: CallStore | None = None, dial: DialScript | None = None, **settings: object
) -> AsyncIterator[tuple[PhoneInProcess, TwilioExchange]]:
    """Run the service with one agent of a language, beside a telephone exchange."""
    async with TwilioExchange(ExchangeSettings(dial=dial or DialScript())) as exchange:
        made = agents(folder, language)
        async with phone_in_process(exchange, ScriptedModel(), store, made, **settings) as phone:
            yield phone, exchange


def said_in(document: str) -> list[tuple[str | None, str | None]]:
    """Return the sentences of a document, each with its language, as Twilio reads them."""
    return [(one.get("language"), one.text) for one in fromstring(document).iter("Say")]  # noqa: S314 - our own


def greeting_of(language: str) -> str:
    """Return what the agent has to say first."""
    return Sentences.of(language).say(Sentence.DISCLOSURE, name=NAME)


@pytest.mark.parametrize("language", SPOKEN)
async def test_a_busy_service_says_so_in_the_language(tmp_path: Path, language: str) -> None:
    """With every slot taken: after the last task has refused, without and with a person to fall back on."""
    texts = Sentences.of(language)
    for number, (destination, sentence) in enumerate(
        [(None, Sentence.BUSY), ("tel:+15005550009", Sentence.ASSISTANTS_BUSY)]
    ):
        (folder := tmp_path / str(number)).mkdir()
        async with service(folder, language, max_sessions=1, fallback_destination=destination) as (phone, exchange):
            slot = phone.agent.admission.admit()
            stranger = Stranger(phone.url, exchange.settings)
            answer = await stranger.send(stranger.signed("/incoming-call?tries=2"))
            slot.release()
            await stranger.aclose()
        assert said_in(answer.text) == [(language, texts[sentence])]


@pytest.mark.parametrize("language", SPOKEN)
async def test_what_twilio_says_after_a_stream_is_in_the_language(tmp_path: Path, language: str) -> None:
    """A lost call: with a store the caller is asked to wait, at the limit they hear goodbye, else the apology."""
    texts = Sentences.of(language)
    store = CallStore(Memo(), Seal([b"k" * 32]), deadline=timedelta(seconds=0.2))
    async with service(tmp_path, language, store=store, fallback_destination="tel:+15005550009") as (phone, exchange):
        caller, late, unlucky = (Stranger(phone.url, exchange.settings) for _ in range(3))
        waits = [(await caller.send(caller.webhook())).text, await caller.lose(0)]
        # One call has used up its time, and the model is down for another.
        await store.remember(CallState(late.call_sid, began_at=1.0, begun=1, agent="lea"))
        over = await late.lose(0)
        await store.remember(CallState(unlucky.call_sid, begun=1, ended="model_unavailable", agent="lea"))
        given_up = await unlucky.lose(0)
        ended = await unlucky.send(unlucky.signed("/incoming-call/dial-ended", DialCallStatus="busy"))
        for stranger in (caller, late, unlucky):
            await stranger.aclose()
        await until(lambda: phone.agent.admission.taken == 0, 30)
    assert [said_in(document) for document in waits] == [[(language, texts[Sentence.WAIT])]] * 2
    assert said_in(over) == [(language, texts[Sentence.TIME_IS_UP])]
    assert said_in(given_up) == [(language, texts[Sentence.SORRY])]
    assert said_in(ended.text) == [(language, texts[Sentence.NOT_REACHED])]


@pytest.mark.parametrize("language", SPOKEN)
async def test_a_caller_who_waits_hears_the_language(tmp_path: Path, language: str) -> None:
    """A silent model: the announcement is the recording of the language, byte for byte."""
    recordings = Recordings()
    expected = ulaw.encode(recordings.pcm(Announcement.HOLD, 8000, language))
    async with service(tmp_path, language) as (phone, exchange):
        stranger = Stranger(phone.url, exchange.settings)
        invitation = await stranger.ring()
        heard = b""
        async with await stranger.open_stream() as socket:
            announcer = await stranger.begin(socket, invitation.ticket)
            stream = await phone.model.stream()
            while len(heard) < len(expected):
                media = await next_event(socket, "media")
                heard += base64.b64decode(media["media"]["payload"])  # type: ignore[index]
            await socket.send(announcer.stop())
            await until(lambda: len(phone.records) == 1)
        await stranger.aclose()
    assert heard == expected
    assert heard != ulaw.encode(recordings.pcm(Announcement.HOLD, 8000, "en-US"))
    assert f'"{greeting_of(language)}"' in stream.texts("USER")[0]


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize(("person", "hears"), [("salle", None), ("office", "en-GB")])
async def test_a_call_is_in_the_language_from_ring_to_goodbye(
    tmp_path: Path, language: str, person: str, hears: str | None
) -> None:
    """Greeting, a transfer that fails, the return and the goodbye. The person hears their own language."""
    texts = Sentences.of(hears or language)
    dial = DialScript(ring_seconds=0.2, hangs_up_seconds=6.0, presses="")
    async with service(tmp_path, language, dial=dial) as (phone, exchange):
        async with Caller(exchange, phone.url) as caller:
            await caller.until("stream_started")
            stream = await phone.model.stream(0)
            stream.say(*say.answer(greeting_of(language), SECOND))
            await caller.greeted()
            arguments = {"destination": person, "reason": "Eine Rechnung."}
            stream.say(*say.heard("Une facture"), *say.tool_use("transfer_to_human", "use-1", arguments))
            await stream.until_sent("toolResult")
            stream.say(*say.answer("Un instant.", SECOND))
            await caller.until("whisper", 12)
            again = await phone.model.stream(1, seconds=30)
            await again.until_sent("textInput", count=2)
            again.say(*say.answer("Personne.", SECOND), *say.tool_use("end_call", "use-2", {"reason": "nothing_left"}))
            await caller.until("ended", 20)
        whispers = caller.timeline.named("whisper")
        spoken = caller.timeline.named("say")
        await until(lambda: len(phone.records) == 2)
    press = texts.say(Sentence.PRESS_TO_TAKE, key="1")
    whispered = texts.say(Sentence.WHISPER, destination=person, reason="Eine Rechnung")
    assert [(one.fields["language"], one.fields["text"]) for one in whispers] == [
        (texts.language, f"{whispered} {press}")
    ]
    assert {str(one.fields["text"]) for one in spoken} <= set(Sentences.of(language).texts.values())
    assert phone.records[0].disclosure is Disclosure.HEARD
