"""The agent announces a transfer to a configured person, then makes it, and only a few times per call."""

import asyncio
from typing import Any

import pytest
import structlog

from agent_core.conversation.signals import (
    Action,
    AnswerHeard,
    Ask,
    CallPerson,
    End,
    Input,
    KeyPressed,
    PrepareTransfer,
    RefuseTransfer,
    TransferWanted,
)
from agent_core.conversation.state import ConversationRules, Phase
from agent_core.conversation.transfers import Transfers
from agent_core.conversation.waits import KEY_PAUSE_SECONDS
from agent_core.errors import UpstreamError
from agent_core.nova.facts import ReplyStarted
from agent_core.tools.registry import ToolFailure, ToolRegistry
from agent_core.tools.transfer import transfer_tools
from tests.support.state_runner import StateRunner


class Staff:
    """People that a transfer can reach, and a record of the requests."""

    names = ("reception", "sales")

    def __init__(self, *, takes_over: bool = True, broken: bool = False) -> None:
        self.takes_over = takes_over
        self.brought: list[tuple[str, str]] = []
        self._broken = broken

    def language_of(self, destination: str) -> str | None:
        """Return that it is the agent's."""
        del destination
        return None

    async def bring(self, destination: str, summary: str) -> None:
        """Record it, and fail if the test wants that."""
        self.brought.append((destination, summary))
        await asyncio.sleep(0.2)
        if self._broken:
            raise UpstreamError("twilio", "status 500")


class Conversation:
    """A conversation in which the agent has said one thing, heard to its end."""

    def __init__(self, staff: Staff | None, *, transfers: int = 0) -> None:
        self.transfers = Transfers(staff, self.on, structlog.stdlib.get_logger())
        self.runner = StateRunner(rules=ConversationRules(by_key=self.transfers.by_key, transfers=transfers))
        self.over: list[str] = []
        self.runner.do = self._do
        self.runner.on(ReplyStarted())
        self.runner.on(AnswerHeard())
        self.tools = ToolRegistry(transfer_tools(Staff.names), conversation=self)

    def on(self, one: Input) -> None:
        """Take the outcome of a transfer."""
        self.runner.on(one)

    def _do(self, action: Action) -> None:
        """Transfer as a session does."""
        match action:
            case PrepareTransfer(destination, reason, by):
                self.transfers.prepare(destination, f"summary: {reason}", by=by)
            case CallPerson(destination):
                self.transfers.call(destination)
            case End():
                self.over.append("transferred")
            case Ask("transfer_failed", {"destination": name}):
                self.over.append(f"{name} failed")

    @property
    def by_key(self) -> str | None:
        """Whom key 0 calls."""
        return self.runner.state.by_key

    @property
    def under_way(self) -> bool:
        """Whether the caller is being transferred."""
        return self.runner.state.phase is Phase.TRANSFERRING

    async def press(self) -> None:
        """Press key 0 and wait until it counts."""
        self.runner.on(KeyPressed("0"))
        await asyncio.sleep(KEY_PAUSE_SECONDS + 0.01)

    async def hand_over(self, destination: str, reason: str) -> dict[str, Any]:
        """Hand over as a session does."""
        shown = await self.transfers.show(destination)
        if shown is not None:
            return shown
        follows = self.runner.on(TransferWanted(destination, reason))
        refused = [action for action in follows if isinstance(action, RefuseTransfer)]
        return self.transfers.result(destination, refused[0] if refused else None)

    async def ask(self, **arguments: object) -> dict[str, Any]:
        """Request a transfer as the model does; return its result."""
        return (await self.tools.call("transfer_to_human", arguments)).value

    async def speak(self, seconds: float) -> None:
        """Let the agent say something that is heard to its end."""
        self.runner.on(ReplyStarted())
        await asyncio.sleep(seconds)
        self.runner.on(AnswerHeard())


def test_the_model_sees_names_only() -> None:
    """The schema lists the configured names; without people the tool does not exist."""
    [tool] = transfer_tools(["reception"])
    assert tool.spec.properties["destination"]["enum"] == ["reception"]
    assert set(tool.spec.properties) == {"destination", "reason"}
    assert transfer_tools(["a", "b"])[0].spec.properties["destination"]["enum"] == ["a", "b"]
    assert transfer_tools([]) == []


async def test_the_announcement_is_heard_before_anybody_is_called() -> None:
    """The person is called only after the agent's announcement has been heard."""
    staff = Staff()
    conversation = Conversation(staff)
    result = await conversation.ask(destination="sales", reason="an invoice")
    assert (result["status"], result["destination"]) == ("connecting", "sales")
    await conversation.speak(2.5)
    assert staff.brought == []
    await asyncio.sleep(2)
    assert staff.brought == [("sales", "summary: an invoice")]
    assert conversation.over == ["transferred"]
    assert await conversation.transfers.done()


async def test_a_model_that_says_nothing_does_not_keep_the_caller() -> None:
    """After three seconds without a word from the model, the person is called anyway."""
    staff = Staff()
    await Conversation(staff).ask(destination="sales", reason="")
    await asyncio.sleep(3.5)
    assert len(staff.brought) == 1


async def test_one_at_a_time_and_two_in_a_call() -> None:
    """Two requests, also by key, call one person; a caller who came back twice is not transferred again."""
    staff = Staff()
    conversation = Conversation(staff)
    await conversation.ask(destination="sales", reason="")
    assert (await conversation.ask(destination="reception", reason=""))["error"] == "transfer_under_way"
    for _ in range(200):
        conversation.runner.on(KeyPressed("0"))
    await asyncio.sleep(15)
    assert [name for name, _ in staff.brought] == ["sales"]
    once = Conversation(staff, transfers=1)
    assert (await once.ask(destination="sales", reason=""))["status"] == "connecting"
    back = Conversation(staff, transfers=2)
    assert (await back.ask(destination="sales", reason=""))["error"] == "already_transferred"
    assert back.by_key is None


@pytest.mark.parametrize("seconds", [0, 1, 3.1])
@pytest.mark.parametrize("by_key", [False, True])
async def test_the_same_request_has_the_same_answer(seconds: float, by_key: bool) -> None:  # noqa: FBT001 - two cases
    """Case 11: Nova repeats tool calls. The second one is not an error, and calls no second person."""
    staff = Staff()
    conversation = Conversation(staff)
    if by_key:
        await conversation.press()
        first = None
    else:
        first = await conversation.ask(destination="reception", reason="an invoice")
    await asyncio.sleep(seconds)
    again = await conversation.ask(destination="reception", reason="the caller has an invoice")
    assert (again["status"], again["destination"]) == ("connecting", "reception")
    assert first in (None, again)
    await asyncio.sleep(10)
    assert [name for name, _ in staff.brought] == ["reception"]
    assert conversation.over == ["transferred"]
    assert (await conversation.ask(destination="reception", reason=""))["error"] == "already_transferred"


async def test_another_destination_meanwhile_is_refused_by_name() -> None:
    """A second destination meanwhile is rejected, and the model learns who is being called, so that it can say so."""
    conversation = Conversation(Staff())
    await conversation.ask(destination="sales", reason="")
    refused = await conversation.ask(destination="reception", reason="")
    assert refused == {"error": "transfer_under_way", "next": "Say that you are connecting the caller to sales."}


async def test_a_key_does_not_wait_for_what_the_agent_was_saying() -> None:
    """A key interrupts the agent's sentence, which is not the announcement; the next words are."""
    staff = Staff()
    conversation = Conversation(staff)
    conversation.runner.on(ReplyStarted())  # it is speaking
    assert conversation.by_key == "reception"
    await conversation.press()
    assert conversation.under_way
    await conversation.speak(1.5)
    assert staff.brought == []
    await asyncio.sleep(1)
    assert staff.brought == [("reception", "summary: The caller pressed 0.")]


async def test_after_a_failure_a_second_wish_is_tried_and_no_third() -> None:
    """After a failed transfer the caller stays, and may ask once more, by voice or by key."""
    staff = Staff(broken=True)
    conversation = Conversation(staff)
    await conversation.ask(destination="sales", reason="")
    await asyncio.sleep(5)
    assert conversation.over == ["sales failed"]
    assert not await conversation.transfers.done()
    assert conversation.under_way is False
    assert (await conversation.ask(destination="sales", reason=""))["status"] == "connecting"
    await asyncio.sleep(5)
    assert conversation.over == ["sales failed"] * 2
    assert (await conversation.ask(destination="sales", reason=""))["error"] == "already_transferred"
    assert conversation.by_key is None
    assert len(staff.brought) == 2


async def test_where_nobody_takes_over_the_way_to_them_is_shown() -> None:
    """A page shows a contact card at once, as often as requested, and key 0 has no special meaning."""
    staff = Staff(takes_over=False)
    conversation = Conversation(staff)
    for _ in range(2):
        assert (await conversation.ask(destination="sales", reason=""))["status"] == "shown"
    assert staff.brought == [("sales", "")] * 2
    assert conversation.by_key is None
    assert conversation.over == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"destination": "+19005550100", "reason": "x"},
        {"destination": "sip:evil@example.com", "reason": "x"},
        {"destination": "the president", "reason": "x"},
        {"destination": ["sales"], "reason": "x"},
        {"reason": "x"},
        {"destination": "sales", "reason": "x", "number": "+19005550100"},
        {"destination": "sales", "reason": "x", "conversation": "y"},
    ],
)
async def test_what_is_not_in_the_list_is_no_argument(arguments: dict[str, object]) -> None:
    """A number, an address, an unknown name or an extra argument is rejected before any call."""
    staff = Staff()
    assert (await Conversation(staff).ask(**arguments))["error"] == "invalid_arguments"
    assert staff.brought == []


async def test_without_people_nobody_is_promised() -> None:
    """A channel without people says so, whatever the model requests."""
    with pytest.raises(ToolFailure, match="nobody_to_ask"):
        await Conversation(None).hand_over("sales", "")
    with pytest.raises(ToolFailure, match="nobody_to_ask"):
        await Conversation(Staff()).hand_over("somebody_else", "")


async def test_a_long_reason_is_cut() -> None:
    """The model's reason for the person is bounded."""
    staff = Staff()
    await Conversation(staff).ask(destination="sales", reason="x" * 5000)
    await asyncio.sleep(4)
    assert len(staff.brought[0][1]) < 250
