"""Conversations that outlive their connection, without a connection: claims, waiting, and one end record."""

import asyncio
from dataclasses import replace

import pytest

from agent_core.agent_runtime import AgentRuntime
from agent_core.errors import AtCapacity
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.nova.wire import Role
from agent_core.settings import CoreSettings
from tests.support.call_shelves import Memo
from tests.support.given_agents import RESTAURANT, given
from tests.unit.webrtc_agent.conftest import NoModel
from webrtc_agent.errors import SessionOver, SessionTaken, UnknownSession
from webrtc_agent.return_token import Token
from webrtc_agent.returning import KEPT_SECONDS, LEAVING_SECONDS, MARGIN_SECONDS, ConversationPart, Returns

SECONDS = 120.0
ALL_THERE_IS = 1000.0


class Talk:
    """The session of a part; the test ends it."""

    def __init__(self, session_id: str, part: ConversationPart) -> None:
        self.session_id = session_id
        self.stats = SessionStats(agent_turns=1, tools={"weather": 1})
        self.paused: bool | None = None
        self._part = part

    def end(self, reason: EndReason) -> None:
        """End as a session does."""
        session_request = self._part.session_request(None)  # type: ignore[arg-type]
        stats = self.stats if session_request.earlier is None else self.stats.after(session_request.earlier)
        assert session_request.goes_on is not None
        self.paused = session_request.goes_on(CallDetailRecord(self.session_id, "browser", reason, 0.0, 0, stats))


class Task:
    """One task's part of them."""

    def __init__(self, shelf: Memo | None) -> None:
        self.records: list[CallDetailRecord] = []
        self.agent = AgentRuntime(CoreSettings(), NoModel(), given(), self._keep)
        self.returns = Returns(self.agent, shelf, SECONDS, ALL_THERE_IS)

    def _keep(self, record: CallDetailRecord) -> None:
        self.records.append(record)

    async def begin(self) -> tuple[ConversationPart, Talk]:
        """Begin a conversation, and say something in it."""
        part = self.returns.begin("a detail", "SE", RESTAURANT)
        return part, await self.talk(part, "s1")

    async def talk(self, part: ConversationPart, session_id: str) -> Talk:
        """Connect the visitor of a part."""
        talk = Talk(session_id, part)
        part.begin(talk, talk.stats)
        part.connected()
        session_request = part.session_request(None)  # type: ignore[arg-type]
        assert session_request.on_words is not None
        session_request.on_words((*session_request.history, (Role.USER, "Oslo"), (Role.ASSISTANT, "It rains.")))
        await asyncio.sleep(1)
        return talk

    async def claim(self, token: Token, attempt: str = "mine") -> ConversationPart:
        """Come back."""
        return await self.returns.claim(str(token), attempt, self.agent.admission.check)


@pytest.fixture
def shelf() -> Memo:
    """Return a store that all tasks see."""
    return Memo()


async def test_all_parts_have_one_record_with_their_sum() -> None:
    """The app's details, the region and the words continue across all parts."""
    task = Task(None)
    first, talk = await task.begin()
    talk.end(EndReason.MEDIA_DISCONNECTED)
    assert (talk.paused, task.records) == (True, [])
    second = await task.claim(first.token)
    session_request = second.session_request(None)  # type: ignore[arg-type]
    assert (session_request.session_id, session_request.details, session_request.region) == ("s1", "a detail", "SE")
    assert second.agent is session_request.agent is RESTAURANT
    assert [words for _, words in session_request.history] == ["Oslo", "It rains."]
    last = await task.talk(second, "s1")
    last.end(EndReason.AGENT_ENDED)
    assert last.stats.resumed == 1
    assert last.paused is False  # its session writes the record of all parts
    assert last.stats.after(SessionStats(agent_turns=1, tools={"weather": 1})).tools == {"weather": 2}
    await asyncio.sleep(1)
    with pytest.raises(UnknownSession):
        await task.claim(second.token)


async def test_values_that_the_visitor_gave_are_known_in_the_next_part(shelf: Memo) -> None:
    """Also in another task, and not in the store's plain text."""
    values = (("email_1", "email", "jane.doe@example.com", 0, "heard"),)
    one, other = Task(shelf), Task(shelf)
    first, talk = await one.begin()
    first.session_request(None).on_captured(values)  # type: ignore[arg-type]
    await asyncio.sleep(1)
    assert not any("jane.doe" in str(entry) for entry in shelf.entries.values())
    talk.end(EndReason.MEDIA_DISCONNECTED)
    await asyncio.sleep(1)
    second = await other.claim(first.token)
    assert second.session_request(None).captured == values  # type: ignore[arg-type]
    (await other.talk(second, "s1")).end(EndReason.AGENT_ENDED)


async def test_who_comes_back_while_the_old_connection_stands_replaces_it() -> None:
    """The page notices a lost network sooner than the service; the old part leaves no record and is not waited for."""
    task = Task(None)
    first, talk = await task.begin()
    second = await task.claim(first.token)
    assert (talk.paused, second.session_request(None).earlier) == (True, talk.stats)  # type: ignore[arg-type]
    (await task.talk(second, "s1")).end(EndReason.CALLER_HUNG_UP)
    await asyncio.sleep(SECONDS + MARGIN_SECONDS + 1)
    assert [(record.reason, record.stats.agent_turns) for record in task.records] == [(EndReason.CALLER_HUNG_UP, 2)]


async def test_who_does_not_come_back_has_a_record_and_later_another_conversation() -> None:
    """A visitor who returns after the record starts another conversation with the history, until it is forgotten."""
    task = Task(None)
    first, talk = await task.begin()
    talk.end(EndReason.MEDIA_DISCONNECTED)
    await asyncio.sleep(SECONDS + MARGIN_SECONDS - 1)
    assert task.records == []
    await asyncio.sleep(2)
    assert [record.session_id for record in task.records] == ["s1"]
    later = await task.claim(first.token)
    session_request = later.session_request(None)  # type: ignore[arg-type]
    assert (session_request.session_id, session_request.earlier, len(session_request.history)) == (None, None, 2)
    (await task.talk(later, "s2")).end(EndReason.MEDIA_DISCONNECTED)
    await asyncio.sleep(KEPT_SECONDS + 1)
    assert [record.session_id for record in task.records] == ["s1", "s2"]
    with pytest.raises(UnknownSession):
        await task.claim(later.token)


async def test_a_claim_is_made_once_but_for_a_retry_whose_answer_was_lost() -> None:
    """Of two tabs at the same time, only one succeeds."""
    task = Task(None)
    first, talk = await task.begin()
    talk.end(EndReason.MEDIA_DISCONNECTED)
    both = await asyncio.gather(task.claim(first.token, "a"), task.claim(first.token, "b"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["ConversationPart", "SessionTaken"]
    winner = "a" if isinstance(both[0], ConversationPart) else "b"
    second = await task.claim(first.token, winner)
    await task.talk(second, "s1")
    with pytest.raises(SessionTaken):
        await task.claim(first.token, winner)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.b.1.2", "å.b.1", "a" * 200 + ".b.1", "name.key.0"])
async def test_what_is_no_token_opens_nothing(text: str) -> None:
    """Any text that is not a token is rejected."""
    with pytest.raises(UnknownSession):
        await Task(None).returns.claim(text, "x", lambda: None)


async def test_the_name_alone_opens_nothing() -> None:
    """The name is not enough, even where this task's memory has the conversation unencrypted."""
    task = Task(None)
    first, _ = await task.begin()
    with pytest.raises(UnknownSession):
        await task.claim(replace(first.token, key="guess"))
    assert str(first.token) not in repr(first.token)


async def test_what_the_visitor_ended_is_over() -> None:
    """A visitor who ended the conversation with the button cannot come back."""
    task = Task(None)
    first, talk = await task.begin()
    first.left()
    talk.end(EndReason.CALLER_HUNG_UP)
    assert talk.paused is False
    with pytest.raises((SessionOver, UnknownSession)):
        await task.claim(first.token)


async def test_a_full_task_uses_up_no_claim(shelf: Memo) -> None:
    """A full task uses up no claim: the page retries, and another task may have a slot."""
    one, two = Task(shelf), Task(shelf)
    first, talk = await one.begin()
    talk.end(EndReason.DRAINED)
    assert talk.paused is True

    def full() -> None:
        raise AtCapacity("full")

    with pytest.raises(AtCapacity):
        await two.returns.claim(str(first.token), "x", full)
    await one.returns.aclose()
    assert [record.reason for record in one.records] == [EndReason.DRAINED]
    assert (await two.claim(first.token)).session_request(None).session_id is None  # type: ignore[arg-type]


async def test_a_task_that_leaves_writes_no_record_of_who_went_on_elsewhere(shelf: Memo) -> None:
    """A draining task gives visitors a few seconds to continue elsewhere, and writes no record of those who do."""
    one, two = Task(shelf), Task(shelf)
    first, talk = await one.begin()
    talk.end(EndReason.DRAINED)
    leaving = asyncio.create_task(one.returns.aclose())
    await asyncio.sleep(LEAVING_SECONDS / 2)
    second = await two.claim(first.token)
    assert second.session_request(None).session_id == "s1"  # type: ignore[arg-type]
    await leaving
    assert one.records == []


async def test_alone_a_task_that_leaves_says_goodbye() -> None:
    """Without another task, a draining task says goodbye."""
    task = Task(None)
    _, talk = await task.begin()
    talk.end(EndReason.DRAINED)
    assert talk.paused is False
