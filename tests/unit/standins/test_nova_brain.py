"""A local language model decides what the stand-in says: a scripted server with OpenAI's chat completions."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.nova import brain as brain_module
from standins.nova.backend import LaterStep, SayStep, ToolStep
from standins.nova.brain import Brain, BrainDialogue
from standins.serving import serving
from tests.support.agent_tools import BUILT_IN, TOOLS, Conversation

FAILED = "I'm sorry, the language model on this computer did not answer. Please try again."


class Server:
    """Returns scripted messages, and keeps the requests."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    async def answer(self, request: Request) -> Response:
        """Return the next message; a number is an HTTP error."""
        self.requests.append(await request.json())
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            return JSONResponse({"error": {"message": "no"}}, answer)
        if isinstance(answer, str):
            answer = {"role": "assistant", "content": answer}
        return JSONResponse({"object": "chat.completion", "choices": [{"index": 0, "message": answer}]})


def _call(tool: str, **arguments: object) -> dict[str, Any]:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


@asynccontextmanager
async def talking(server: Server, **more: Any) -> AsyncIterator[BrainDialogue]:  # noqa: ANN401 - fields of the dialogue
    """Run the server and a conversation that it decides."""
    app = Starlette(routes=[Route("/v1/chat/completions", server.answer, methods=["POST"])])
    tools = [*TOOLS["trattoria"], *BUILT_IN]
    async with serving(app, host="127.0.0.1", port=0) as port:
        yield BrainDialogue(
            tools=tools,
            system="You answer for Trattoria Sole.",
            history=more.pop("history", ()),
            brain=Brain(f"http://127.0.0.1:{port}/v1/"),
            rehearsed=lambda **_: Conversation("trattoria").dialogue,
            **more,
        )


async def _decided(steps: Sequence[object]) -> list[object]:
    """Return the steps with those that the server decides in their place."""
    out: list[object] = []
    for step in steps:
        out += await step.decide() if isinstance(step, LaterStep) else [step]
    return [step.text if isinstance(step, SayStep) else step for step in out]


async def test_the_server_decides_and_sees_prompt_tools_and_history() -> None:
    """The request has the system prompt, the history, the caller's words and the declared tools, without streaming."""
    server = Server("Good evening!")
    async with talking(server, history=[("USER", "hello"), ("ASSISTANT", "Hi.")]) as dialogue:
        assert await _decided(dialogue.heard("do you have a table")) == ["Good evening!"]
    (request,) = server.requests
    assert request["stream"] is False
    assert [(one["role"], one["content"]) for one in request["messages"]] == [
        ("system", "You answer for Trattoria Sole."),
        ("user", "hello"),
        ("assistant", "Hi."),
        ("user", "do you have a table"),
    ]
    names = [tool["function"]["name"] for tool in request["tools"]]
    assert names == ["book_table", "change_booking", "cancel_booking", "end_call", "transfer_to_human"]
    assert request["tools"][0]["function"]["parameters"]["required"] == ["people", "day"]


async def test_a_tool_is_called_and_its_result_sent_back() -> None:
    """The server asks for a tool, gets its result under the same ID, and says the reply."""
    server = Server(_call("book_table", people=2, day="friday"), "Booked for Friday.")
    async with talking(server) as dialogue:
        (use,) = await _decided(dialogue.heard("a table for two on Friday"))
        assert isinstance(use, ToolStep)
        assert (use.name, use.arguments) == ("book_table", {"people": 2, "day": "friday"})
        after = dialogue.tool_result(use.name, use.arguments, {"status": "booked"})
        assert await _decided(after) == ["Booked for Friday."]
    assert server.requests[1]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": '{"status": "booked"}',
    }


async def test_a_call_that_the_caller_cut_off_has_a_result() -> None:
    """After a barge-in during a tool, the next request has a result for it: the protocol demands one."""
    server = Server(_call("book_table", people=2, day="friday"), "Of course.")
    async with talking(server) as dialogue:
        await _decided(dialogue.heard("a table for two on Friday"))
        assert await _decided(dialogue.heard("no, wait")) == ["Of course."]
    roles = [one["role"] for one in server.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "user"]


@pytest.mark.parametrize(
    "answer", [500, {"role": "assistant", "content": ""}, _call("no_such_tool"), {"role": "assistant", "content": 3}]
)
async def test_a_server_that_fails_is_admitted(answer: object) -> None:
    """An error, an empty message or an unknown tool becomes one honest sentence."""
    async with talking(Server(answer)) as dialogue:
        assert await _decided(dialogue.heard("hello")) == [FAILED]


async def test_a_server_that_is_gone_or_slow_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port and an answer after the deadline are failures too."""
    async with talking(Server()) as dialogue:
        pass
    assert await _decided(dialogue.heard("hello")) == [FAILED]
    monkeypatch.setattr(brain_module, "DEADLINE_SECONDS", 0.0)
    async with talking(Server("too late")) as dialogue:
        assert await _decided(dialogue.heard("hello")) == [FAILED]


async def test_a_server_that_only_calls_tools_is_stopped() -> None:
    """After eight tool calls without a sentence, the stand-in gives up on the turn."""
    server = Server(*[_call("cancel_booking")] * 9)
    async with talking(server) as dialogue:
        steps = await _decided(dialogue.heard("cancel"))
        for _ in range(9):
            if steps == [FAILED]:
                break
            steps = await _decided(dialogue.tool_result("cancel_booking", {}, {}))
    assert (steps, len(server.requests)) == ([FAILED], 8)


async def test_identity_and_the_bridge_over_a_tool_stay_the_standins() -> None:
    """Whatever the server would say: this is a stand-in, and "looking it up" is said without a wait."""
    async with talking(Server()) as dialogue:
        (identity,) = await _decided(dialogue.heard("are you a robot"))
        assert str(identity).startswith("I am a stand-in for Nova Sonic")
        bridge = "Tell the caller in one short sentence that you are looking it up."
        assert await _decided(dialogue.heard(bridge)) == ["One moment, I am looking that up."]
