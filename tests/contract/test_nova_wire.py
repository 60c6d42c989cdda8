"""The stand-in's protocol under many streams, limits, faults and malformed input, over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Literal

import httpx
import pytest

from standins.nova.backend import Step
from standins.nova.pace import Pace
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.service_limits import ServiceLimits
from standins.nova.tones import ToneSentence, tone_backend
from tests.contract.nova_peers.client import PATH, WEATHER, Body, Connection, Exception_, Stream, StreamEnded

SETTINGS = NovaSettings(credentials=None, pace=Pace(speed=20.0, think=0.0))


@contextlib.asynccontextmanager
async def standin(settings: NovaSettings = SETTINGS) -> AsyncIterator[tuple[NovaStandin, Connection]]:
    """Run a stand-in and connect to it."""
    async with NovaStandin(settings, tone_backend()) as nova, Connection.to(nova.h2c_port) as connection:
        yield nova, connection


async def control(nova: NovaStandin, method: str, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    """Send a request to the control server."""
    async with httpx.AsyncClient(base_url=nova.control_url, trust_env=False) as client:
        answer = await client.request(method, path, content=json.dumps(body) if body else None)
    return answer.raise_for_status().json()


async def gone(nova: NovaStandin, reason: str) -> None:
    """Wait until the only session has ended for this reason."""
    async with asyncio.timeout(5):
        while not (record := next(iter(nova.ledger.sessions.values()))).end_reason:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.01)
    assert record.end_reason is not None
    assert reason in record.end_reason
    assert nova.ledger.streams_open == 0


async def test_twenty_streams_on_one_connection_never_mix() -> None:
    """Each of twenty streams on one connection gets its own text, with its own identifiers."""
    async with standin() as (nova, connection):

        async def talk(number: int) -> str:
            stream = connection.open()
            stream.greet(f"number {number}")
            planned = await stream.until("textOutput")
            assert planned["content"] == f"You said number {number}."
            final = await stream.until("textOutput")
            assert final["content"] == planned["content"]
            session_id: str = final["sessionId"]
            return session_id

        sessions = await asyncio.gather(*map(talk, range(20)))
        assert len(set(sessions)) == 20
        assert nova.ledger.stats()["streams_open"] == 20
        for number, session_id in enumerate(sessions):
            record = await control(nova, "GET", f"/sessions/{session_id}")
            assert [words["text"] for words in record["heard"]] == [f"number {number}"]
    assert nova.ledger.streams_open == 0


async def test_a_tool_is_used_and_its_result_spoken() -> None:
    """The session's record has the tool, its input and its result, which the agent speaks."""
    async with standin() as (nova, connection):
        stream = connection.open()
        stream.greet("use get_current_weather", toolConfiguration={"tools": [WEATHER]})
        use = await stream.until("toolUse")
        stream.answer_tool(use["toolUseId"], '{"temperature": 21}')
        assert (await stream.until("textOutput"))["content"].startswith("The tool get_current_weather gave 1")
        (record,) = await control(nova, "GET", "/sessions")
        (run,) = record["tools"]
        assert (run["name"], run["tool_use_id"], run["result"]) == (
            use["toolName"],
            use["toolUseId"],
            {"temperature": 21},
        )


@pytest.mark.parametrize("reading", ["accept", "refuse"])
async def test_audio_during_a_tool_call_has_two_readings(reading: Literal["accept", "refuse"]) -> None:
    """The reading decides whether audio during a tool call ends the stream; later audio never does."""
    async with standin(replace(SETTINGS, limits=ServiceLimits(audio_during_tools=reading))) as (_, connection):
        held, sent = connection.open(), connection.open()
        for stream in (held, sent):
            stream.greet("use get_current_weather", toolConfiguration={"tools": [WEATHER]})
        uses = [await stream.until("toolUse") for stream in (held, sent)]
        await asyncio.sleep(0.2)
        sent.sound(0.04, 0)
        held.answer_tool(uses[0]["toolUseId"], "{}")
        held.sound(0.04, 0)
        await held.until("usageEvent")
        if reading == "accept":
            sent.answer_tool(uses[1]["toolUseId"], "{}")
            await sent.until("usageEvent")
        else:
            with pytest.raises(Exception_, match="Invalid input request, please fix your input"):
                await sent.until("completionEnd")


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/model/amazon.nova-2-sonic-v1%3A0/invoke", 404, "UnknownOperationException"),
        ("/model/anthropic.claude/invoke-with-bidirectional-stream", 400, "ValidationException"),
    ],
)
async def test_what_it_is_not_is_refused(path: str, status: int, kind: str) -> None:
    """Other operations and models get the errors of the service."""
    async with standin() as (nova, connection):
        await refused(connection.open(path), status, kind)
        assert nova.ledger.streams_refused == 1


async def test_an_unsigned_request_is_refused() -> None:
    """With credentials to check, the stand-in rejects an unsigned request."""
    async with standin(NovaSettings()) as (nova, connection):
        await refused(connection.open(), 403, "MissingAuthenticationTokenException")
        assert nova.ledger.streams_opened == 0


async def refused(stream: Stream, status: int, kind: str) -> dict[str, Any]:
    """Check the status, class and body of a rejection."""
    headers = await asyncio.wait_for(stream.headers, 5)
    assert headers[":status"] == str(status)
    assert headers["x-amzn-errortype"].partition(":")[0] == kind
    assert headers["x-amzn-requestid"]
    with pytest.raises(StreamEnded):
        await stream.receive()
    body: dict[str, Any] = json.loads(stream.body)
    assert body["message"]
    return body


@pytest.mark.parametrize(
    ("kind", "status"),
    [("ThrottlingException", 429), ("AccessDeniedException", 403), ("ServiceUnavailableException", 503)],
)
async def test_an_opening_fails_as_often_as_scripted(kind: str, status: int) -> None:
    """After two scripted rejections with their messages, the third opening succeeds."""
    async with standin() as (nova, connection):
        await control(nova, "POST", "/faults", on="open", times=2, error=kind, message="Slow down.")
        for _ in range(2):
            assert await refused(connection.open(), status, kind) == {"message": "Slow down."}
        assert (await asyncio.wait_for(connection.open().headers, 5))[":status"] == "200"
        assert nova.ledger.stats() == {"connections": 1, "streams_opened": 1, "streams_open": 1, "streams_refused": 2}


async def test_an_account_may_hold_so_many_streams_at_once() -> None:
    """Bedrock's limit of streams rejects one more without a Retry-After; closing one frees it."""
    async with standin(replace(SETTINGS, limits=ServiceLimits(concurrent=2))) as (nova, connection):
        await control(nova, "POST", "/faults", on="answer", action="close", after_ms=3000)
        for _ in range(2):
            stream = connection.open()
            stream.greet("hello")
            await stream.until("textOutput")
        body = await refused(connection.open(), 429, "ThrottlingException")
        assert body == {"message": "Too many requests, please wait before trying again."}
        async with asyncio.timeout(5):
            while nova.ledger.streams_open > 1:  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(connection.open().headers, 5))[":status"] == "200"


@pytest.mark.parametrize(("action", "reason"), [("rst", "reset 2"), ("disconnect", "connection lost")])
async def test_an_opening_can_be_broken_off(action: str, reason: str) -> None:
    """The opening fails with RST_STREAM or a closed connection instead of headers."""
    async with standin() as (nova, connection):
        await control(nova, "POST", "/faults", on="open", action=action, code=2)
        with pytest.raises(StreamEnded, match=reason):
            await asyncio.wait_for(connection.open().headers, 5)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ({"action": "close"}, lambda error: error.reason == "end"),
        ({"action": "rst", "code": 0}, lambda error: error.reason == "reset 0"),
        ({"action": "disconnect"}, lambda error: error.reason == "connection lost"),
        ({"error": "ThrottlingException"}, lambda error: error.kind == "throttlingException"),
        ({"action": "exception"}, lambda error: error.kind == "modelStreamErrorException"),
        (
            {"error": "validationException", "message": "System instability detected. Please retry your request."},
            lambda error: error.message == "System instability detected. Please retry your request.",
        ),
    ],
)
async def test_an_answer_is_cut_in_the_middle(fault: dict[str, object], ends: Callable[[Any], bool]) -> None:
    """The stream ends during a reply as the script says, and the session has its record."""
    async with standin(replace(SETTINGS, pace=Pace(speed=1.0, think=0.0))) as (nova, connection):
        await control(nova, "POST", "/faults", on="answer", after_ms=60, **fault)
        stream = connection.open()
        stream.greet()
        await stream.until("audioOutput")
        with pytest.raises((StreamEnded, Exception_)) as error:
            await stream.until("completionEnd")
        assert ends(error.value)
        await gone(nova, "")


@pytest.mark.parametrize(
    "text",
    [
        "Error 1: This request has been blocked by our content filters.",
        "Tool Response parsing error",
        "Invalid input request, please fix your input and try again.",
        "Any words: even {these}.",
    ],
)
@pytest.mark.parametrize("prefixed", [False, True])
async def test_an_exception_in_a_healthy_answer_has_the_ordered_text(text: str, prefixed: bool) -> None:  # noqa: FBT001
    """The exception has the exact text of the script, with or without the request's identifier."""
    async with standin() as (nova, connection):
        fault = {"on": "answer", "error": "ValidationException", "message": text, "request_id": prefixed}
        await control(nova, "POST", "/faults", **fault)
        stream = connection.open()
        stream.greet()
        with pytest.raises(Exception_) as error:
            await stream.until("completionEnd")
        request_id = (await stream.headers)["x-amzn-requestid"]
        assert error.value.kind == "validationException"
        assert error.value.message == (f"RequestId={request_id} : {text}" if prefixed else text)


async def test_words_that_are_filtered_end_each_stream_that_holds_them() -> None:
    """Filtered words end the stream in which they are said or typed, and one whose history repeats them."""
    async with standin(
        replace(SETTINGS, limits=ServiceLimits(blocked_words=("Turn 1", "bomb"), history_settle=0.0))
    ) as (
        _,
        connection,
    ):
        spoken, typed, repeated, spared = (connection.open() for _ in range(4))
        spoken.greet()
        await spoken.until("usageEvent")
        spoken.sound(0.4, 6000)
        await asyncio.sleep(0.1)
        spoken.sound(0.6, 0)
        assert (await spoken.until("textOutput", lambda body: body["role"] == "USER"))["content"] == "turn 1"
        typed.greet("a BOMB")
        repeated.greet(history="about that bomb")
        for stream in (spoken, typed, repeated):
            with pytest.raises(Exception_, match="Error 1: This request has been blocked by our content filters"):
                await stream.until("completionEnd")
        spared.greet(history="about that")
        await spared.until("usageEvent")


@pytest.mark.parametrize("action", ["unknown_event", "odd_audio", "empty_audio"])
async def test_an_oddity_is_written_into_an_answer(action: str) -> None:
    """A scripted oddity arrives, and the reply continues to its end."""
    oddities: dict[str, Callable[[str, Body], bool]] = {
        "unknown_event": lambda name, _: name == "moodRingEvent",
        "odd_audio": lambda _, body: body.get("content") == "AAEC",
        "empty_audio": lambda name, body: name == "audioOutput" and not body["content"],
    }
    async with standin(replace(SETTINGS, pace=Pace(speed=1.0, think=0.0))) as (nova, connection):
        await control(nova, "POST", "/faults", on="answer", after_ms=50, action=action)
        stream = connection.open()
        stream.greet()
        seen: list[tuple[str, Body]] = []
        while not seen or seen[-1][0] != "usageEvent":
            seen.append(await stream.receive())
        assert sum(oddities[action](*event) for event in seen) == 1


async def test_bad_json_is_written_into_an_answer() -> None:
    """The event's bytes are not JSON, in correct framing."""
    async with standin() as (nova, connection):
        await control(nova, "POST", "/faults", on="answer", action="bad_json")
        stream = connection.open()
        stream.greet()
        with pytest.raises(json.JSONDecodeError):
            await stream.until("completionEnd")
        await stream.until("usageEvent")


async def test_a_frozen_stream_takes_no_more_and_leaves_its_neighbours_alone() -> None:
    """A frozen stream stops reading until the client's window is full; another stream continues."""
    async with standin() as (nova, connection):
        frozen, lively = connection.open(), connection.open()
        frozen.greet()
        await frozen.until("usageEvent")
        await control(nova, "POST", "/faults", on="answer", action="freeze")
        frozen.text("again", "USER", "again", interactive=True)
        await frozen.until("contentStart")
        while frozen.window > 2000:
            frozen.sound(0.04, 0)
            await asyncio.sleep(0)
        lively.greet("still there")
        assert (await lively.until("textOutput"))["content"] == "You said still there."
        assert frozen.window <= 2000


@pytest.mark.parametrize(
    ("limits", "kind", "message"),
    [
        (ServiceLimits(idle=55), "validationException", "less than 55 seconds"),
        (ServiceLimits(), "validationException", "less than 295 seconds"),
        (ServiceLimits(idle=1000), "modelTimeoutException", "Model has timed out in processing the request."),
    ],
)
async def test_time_runs_out_on_a_fast_clock(limits: ServiceLimits, kind: str, message: str) -> None:
    """The idle timeout and the session limit end a stream within moments on a fast clock."""
    async with standin(replace(SETTINGS, limits=limits)) as (nova, connection):
        stream = connection.open()
        stream.greet()
        await stream.until("usageEvent")
        assert await control(nova, "POST", "/clock", scale=5000) == {"scale": 5000}
        with pytest.raises(Exception_) as error:
            await stream.until("completionEnd")
        assert error.value.kind == kind
        assert message in error.value.message
        with pytest.raises(StreamEnded):
            await stream.receive()
        await gone(nova, kind)


async def test_a_rule_broken_on_one_stream_ends_only_that() -> None:
    """The documented message ends the stream that broke a rule; the other stream continues."""
    async with standin() as (nova, connection):
        good, bad = connection.open(), connection.open()
        good.greet()
        bad.greet()
        bad.text("late", "USER", "history")
        with pytest.raises(Exception_) as error:
            await bad.until("completionEnd")
        request_id = (await bad.headers)["x-amzn-requestid"]
        expected = f"RequestId={request_id} : Chat history should be sent completely before streaming audio."
        assert error.value.message == expected
        await good.until("usageEvent")
        assert nova.ledger.streams_open == 1


@pytest.mark.parametrize("wire", [b"\x00" * 16, b"garbage that is no frame at all", b"\xff" * 4096])
async def test_broken_framing_ends_the_stream(wire: bytes) -> None:
    """Bytes that are not an event stream get an exception, not silence."""
    async with standin() as (nova, connection):
        stream = connection.open()
        stream.write(wire)
        with pytest.raises(Exception_, match="Invalid event bytes"):
            await stream.receive()
        await gone(nova, "validationException")


async def test_a_client_that_vanishes_is_noticed() -> None:
    """A closed connection ends its sessions at once."""
    async with NovaStandin(SETTINGS, tone_backend()) as nova:
        async with Connection.to(nova.h2c_port) as connection:
            stream = connection.open()
            stream.greet()
            await stream.until("audioOutput")
        await gone(nova, "connection")


async def test_a_slow_reader_holds_the_flood_back() -> None:
    """The stand-in waits for the client's window instead of buffering an hour of audio."""
    async with standin() as (nova, connection):
        await control(nova, "POST", "/faults", on="answer", action="flood", seconds=600, speed=1000)
        connection.transport.pause_reading()
        stream = connection.open()
        stream.greet()
        (record,) = await until_steady(nova)
        assert record < 60
        connection.transport.resume_reading()
        await stream.until("audioOutput")


async def until_steady(nova: NovaStandin) -> list[float]:
    """Return the seconds of audio that each session has sent, once they no longer grow."""
    before: list[float] = []
    async with asyncio.timeout(5):
        while True:
            await asyncio.sleep(0.2)
            sent = [record.audio_seconds_out for record in nova.ledger.sessions.values()]
            if sent and all(sent) and sent == before:
                return sent
            before = sent


async def test_scripts_and_clock_orders_with_slips_are_refused() -> None:
    """The control server rejects an invalid script or clock setting with a reason."""
    async with standin() as (nova, _), httpx.AsyncClient(base_url=nova.control_url, trust_env=False) as client:
        for path, body in (("/faults", '{"on": "whenever"}'), ("/clock", '{"scale": 0}'), ("/faults", "{")):
            answer = await client.post(path, content=body)
            assert answer.status_code == 400
            assert answer.json()["message"]
        assert (await client.get("/sessions/nobody")).status_code == 404
        assert (await client.get("/health")).json()["status"] == "ok"
        await client.post("/faults", content='{"on": "open", "error": "ThrottlingException"}')
        assert len((await client.get("/faults")).json()) == 1
        assert (await client.delete("/faults")).json() == []


async def test_limits_are_changed_for_streams_that_open_later() -> None:
    """Limits can be shown and changed by name; the control server rejects a wrong name or value with a reason."""
    async with standin() as (nova, connection):
        assert (await control(nova, "GET", "/limits"))["history_messages"] == 40
        assert (await control(nova, "PATCH", "/limits", idle=7))["idle"] == 7
        assert (nova.limits.idle, nova.limits.history_messages) == (7, 40)
        async with httpx.AsyncClient(base_url=nova.control_url, trust_env=False) as client:
            for body in ('{"histroy_messages": 1}', '{"history_messages": "many"}', "[]"):
                assert (await client.patch("/limits", content=body)).status_code == 400
        stream = connection.open()
        stream.greet()
        await stream.until("usageEvent")
        await control(nova, "POST", "/clock", scale=5000)
        with pytest.raises(Exception_, match="less than 7 seconds"):
            await stream.until("completionEnd")


async def test_the_path_may_end_in_a_question_mark() -> None:
    """The path may end in a question mark, which the SDK for Python sends."""
    async with standin() as (_, connection):
        assert (await asyncio.wait_for(connection.open(PATH + "?").headers, 5))[":status"] == "200"


async def test_a_slip_of_the_brain_ends_one_session_and_not_its_neighbours() -> None:
    """A defect in the language model ends its own stream only, with an internalServerException."""

    class Slipping:
        def __init__(self, **_: object) -> None:
            pass

        def heard(self, text: str) -> list[Step]:
            if text == "slip":
                raise ZeroDivisionError
            return [ToneSentence("Fine.")]

        def tool_result(self, *_: object) -> list[Step]:
            return []

    backend = replace(tone_backend(), dialogue=Slipping)
    async with NovaStandin(SETTINGS, backend) as nova, Connection.to(nova.h2c_port) as connection:
        bad, good = connection.open(), connection.open()
        bad.greet("slip")
        good.greet("hello")
        with pytest.raises(Exception_) as error:
            await bad.until("usageEvent")
        assert error.value.kind == "internalServerException"
        assert (await good.until("textOutput"))["content"] == "Fine."


async def test_a_client_of_another_protocol_is_turned_away() -> None:
    """An HTTP/1.1 client gets an HTTP/2 GOAWAY and a closed connection, not silence."""
    async with NovaStandin(SETTINGS, tone_backend()) as nova:
        reader, writer = await asyncio.open_connection("127.0.0.1", nova.h2c_port)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n" + b" " * 40)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        frame_types = answer[3::1][:1] + answer[-14:-13]
        assert frame_types == b"\x04\x07"


async def test_stopping_closes_what_is_open() -> None:
    """Stopping ends sessions with a reason and closes the connections."""
    nova = NovaStandin(SETTINGS, tone_backend())
    async with nova:
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(Connection, "127.0.0.1", nova.h2c_port)
        connection.transport = transport
        connection.h2.initiate_connection()
        stream = connection.open()
        stream.greet()
        await stream.until("usageEvent")
    await gone(nova, "server_stopped")
    with pytest.raises(StreamEnded, match="connection lost"):
        await stream.until("completionEnd")
