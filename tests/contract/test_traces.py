"""Traces over OTLP: a span for each conversation with its events, and no word of what was said."""

import asyncio
import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.semconv._incubating.attributes import error_attributes
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as judge

from agent_core.agent_runtime import AgentRuntime
from agent_core.conversation.session import Session
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.observability import gen_ai
from agent_core.observability.meter import Meter
from agent_core.observability.otlp import tracing
from agent_core.session_request import AudioRoute, SessionRequest
from agent_core.settings import CoreSettings
from agent_core.tools.goodbye import goodbye_tools
from tests.support import scripted_model as say
from tests.support.agents import one_agent
from tests.support.doc_commands import commands
from tests.support.otlp_receiver import attributes, receiving
from tests.support.scripted_model import ScriptedModel
from tests.support.waiting import until

SECRET_WORDS = "canary-of-what-was-said"
MODEL = "amazon.nova-2-5-sonic"
CHAT, AGENT, TOOL = f"chat {MODEL}", "invoke_agent phone-agent", "execute_tool unknown"
USED = {"input": {"speechTokens": 30, "textTokens": 400}, "output": {"speechTokens": 50, "textTokens": 6}}
HOW_TO = Path(__file__).parents[2] / "docs/howto/langfuse.md"


class _Nobody:
    def play(self, pcm: bytes) -> None:
        """Ignore the audio."""

    def say(self, pcm: bytes) -> None:
        """Ignore the text."""

    def sounds_for(self) -> float:
        """Return zero, because no audio is queued."""
        return 0.0

    def interrupt(self) -> None:
        """Ignore the interruption."""

    def finish_answer(self) -> None:
        """Ignore the end."""


def _agent(model: ScriptedModel) -> AgentRuntime:
    return AgentRuntime(CoreSettings(), model, one_agent(goodbye_tools()), lambda _: None, Meter("phone-agent"))


async def _converse(agent: AgentRuntime, model: ScriptedModel) -> CallDetailRecord:
    """Have a conversation with one question, one tool that fails, and one reply."""
    session_request = SessionRequest("phone", agent.admission.admit(), call_sid="CA1")
    session = Session(agent, session_request, AudioRoute(8000, 8000, voice=_Nobody()), SessionStats())
    running = asyncio.create_task(session.run())
    stream = await model.stream()
    stream.say(say.event("completionStart"), *say.heard(SECRET_WORDS))
    stream.say(*say.tool_use("no_such_tool", "use-1", {"words": SECRET_WORDS}))
    await stream.until_sent("toolResult")
    stream.say(*say.answer(SECRET_WORDS, b"\x01\x00" * 800), say.event("usageEvent", details={"delta": USED}))
    await until(lambda: session.stats.slowest_answer_ms is not None and session.stats.text_output_tokens > 0)
    session.end(EndReason.MEDIA_DISCONNECTED)
    return await running


async def test_a_conversation_is_a_span_with_what_happened_inside() -> None:
    """Streams, turns and tools are child spans; failures are marked, and no span has a word of the conversation."""
    async with receiving() as (receiver, endpoint):
        model = ScriptedModel()
        agent = _agent(model)
        async with tracing(endpoint, {"service.name": "phone-agent"}) as agent.tracer:
            record = await _converse(agent, model)
        conversation = receiver.named(AGENT)
        inside = {span.name for span in receiver.spans if span.parent_span_id == conversation.span_id}
        assert inside == {CHAT, "turn", TOOL}
        assert {span.trace_id for span in receiver.spans} == {conversation.trace_id}
        attributes = {one.key: one.value for one in conversation.attributes}
        assert attributes["session_id"].string_value == record.session_id
        assert (attributes["reason"].string_value, conversation.status.message) == (
            "media_disconnected",
            "media_disconnected",
        )
        assert receiver.named(TOOL).status.message == "unknown"
        assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in receiver.spans)
        assert receiver.resources[0]["service.name"] == "phone-agent"
        assert SECRET_WORDS.encode() not in receiver.raw


def test_names_are_those_of_the_conventions() -> None:
    """The names are those of OpenTelemetry's own package."""
    assert {
        name: name
        for name in vars(gen_ai).values()
        if isinstance(name, str) and re.fullmatch(r"(gen_ai|error)\.[a-z_.]+", name)
    } == {
        gen_ai.OPERATION: judge.GEN_AI_OPERATION_NAME,
        gen_ai.PROVIDER: judge.GEN_AI_PROVIDER_NAME,
        gen_ai.AGENT: judge.GEN_AI_AGENT_NAME,
        gen_ai.AGENT_ID: judge.GEN_AI_AGENT_ID,
        gen_ai.AGENT_VERSION: judge.GEN_AI_AGENT_VERSION,
        gen_ai.CONVERSATION: judge.GEN_AI_CONVERSATION_ID,
        gen_ai.REQUEST_MODEL: judge.GEN_AI_REQUEST_MODEL,
        gen_ai.RESPONSE_MODEL: judge.GEN_AI_RESPONSE_MODEL,
        gen_ai.RESPONSE_ID: judge.GEN_AI_RESPONSE_ID,
        gen_ai.INPUT_TOKENS: judge.GEN_AI_USAGE_INPUT_TOKENS,
        gen_ai.OUTPUT_TOKENS: judge.GEN_AI_USAGE_OUTPUT_TOKENS,
        gen_ai.TOOL_NAME: judge.GEN_AI_TOOL_NAME,
        gen_ai.TOOL_TYPE: judge.GEN_AI_TOOL_TYPE,
        gen_ai.TOOL_CALL: judge.GEN_AI_TOOL_CALL_ID,
        gen_ai.ERROR_TYPE: error_attributes.ERROR_TYPE,
    }
    operations = judge.GenAiOperationNameValues
    assert [
        operations.INVOKE_AGENT.value,
        operations.CHAT.value,
        operations.EXECUTE_TOOL.value,
    ] == [gen_ai.INVOKE_AGENT, gen_ai.CHAT, gen_ai.EXECUTE_TOOL]
    assert judge.GenAiProviderNameValues.AWS_BEDROCK.value == gen_ai.BEDROCK


async def test_spans_say_what_the_conventions_ask_for() -> None:
    """The conversation is an agent invocation, its streams are chats, its tools are tool executions."""
    async with receiving() as (receiver, endpoint):
        model = ScriptedModel()
        agent = _agent(model)
        async with tracing(endpoint, {"service.name": "phone-agent"}) as agent.tracer:
            record = await _converse(agent, model)
    both = {
        judge.GEN_AI_PROVIDER_NAME: "aws.bedrock",
        judge.GEN_AI_CONVERSATION_ID: record.session_id,
        judge.GEN_AI_AGENT_ID: record.agent,
        judge.GEN_AI_AGENT_VERSION: record.agent_version,
    }
    assert receiver.called(CHAT) == {
        **both,
        judge.GEN_AI_OPERATION_NAME: "chat",
        judge.GEN_AI_REQUEST_MODEL: MODEL,
        judge.GEN_AI_RESPONSE_MODEL: MODEL,
        judge.GEN_AI_RESPONSE_ID: "model-session",
        judge.GEN_AI_USAGE_INPUT_TOKENS: 430,
        judge.GEN_AI_USAGE_OUTPUT_TOKENS: 56,
    }
    assert receiver.named(CHAT).kind == Span.SPAN_KIND_CLIENT
    assert receiver.called(TOOL) == {
        **both,
        judge.GEN_AI_OPERATION_NAME: "execute_tool",
        judge.GEN_AI_TOOL_NAME: "unknown",
        judge.GEN_AI_TOOL_TYPE: "function",
        judge.GEN_AI_TOOL_CALL_ID: "use-1",
        error_attributes.ERROR_TYPE: "unknown",
    }
    invoked = receiver.called(AGENT)
    assert (
        invoked.items()
        >= {
            **both,
            judge.GEN_AI_OPERATION_NAME: "invoke_agent",
            judge.GEN_AI_AGENT_NAME: "phone-agent",
            judge.GEN_AI_REQUEST_MODEL: MODEL,
            error_attributes.ERROR_TYPE: "media_disconnected",
        }.items()
    )
    # Otherwise a consumer that sums tokens would count those of a stream twice.
    assert not {judge.GEN_AI_USAGE_INPUT_TOKENS, judge.GEN_AI_USAGE_OUTPUT_TOKENS} & invoked.keys()
    content = {judge.GEN_AI_INPUT_MESSAGES, judge.GEN_AI_OUTPUT_MESSAGES, judge.GEN_AI_SYSTEM_INSTRUCTIONS}
    content |= {judge.GEN_AI_TOOL_CALL_ARGUMENTS, judge.GEN_AI_TOOL_CALL_RESULT, judge.GEN_AI_TOOL_DEFINITIONS}
    assert not content & {name for span in receiver.spans for name in attributes(span)}
    assert SECRET_WORDS.encode() not in receiver.raw


async def test_each_stream_has_its_own_tokens() -> None:
    """The tokens of the two streams of a ten-minute call add up to those of the record."""
    async with receiving() as (receiver, endpoint):
        agent = _agent(ScriptedModel())
        stats = SessionStats()
        async with tracing(endpoint, {"service.name": "phone-agent"}) as agent.tracer:
            telemetry = agent.telemetry(stats, {"session_id": "s1"})
            telemetry.began()
            for number, (speech, text) in enumerate(((30, 400), (5, 900)), start=1):
                telemetry.stream_began(f"model-session-{number}")
                stats.speech_input_tokens += speech
                stats.text_input_tokens += text
                stats.speech_output_tokens += speech
            telemetry.ended(CallDetailRecord("s1", "phone", EndReason.CALLER_HUNG_UP, 0.0, 1, stats))
    streams = {
        each[judge.GEN_AI_RESPONSE_ID]: each
        for span in receiver.spans
        if span.name == CHAT
        for each in [attributes(span)]
    }
    used = [
        (each[judge.GEN_AI_USAGE_INPUT_TOKENS], each[judge.GEN_AI_USAGE_OUTPUT_TOKENS])
        for each in (streams["model-session-1"], streams["model-session-2"])
    ]
    assert used == [(430, 30), (905, 5)]


@pytest.mark.parametrize("status", [400, 503])
async def test_a_receiver_in_trouble_harms_no_conversation(status: int) -> None:
    """The exporter drops what it cannot send, in bounded time."""
    async with receiving() as (receiver, endpoint):
        receiver.status = status
        model = ScriptedModel()
        agent = _agent(model)
        async with asyncio.timeout(20), tracing(endpoint, {"service.name": "phone-agent"}) as agent.tracer:
            assert (await _converse(agent, model)).reason is EndReason.MEDIA_DISCONNECTED


def test_nothing_is_imported_that_no_setting_uses() -> None:
    """A service imports neither tracing nor a call store that its settings do not use."""
    costly = {"opentelemetry.exporter.otlp.proto.http", "boto3", "sqlite3"}
    program = f"import sys, phone_agent.serve; print(*{costly} & sys.modules.keys())"
    environment = {"LOGURU_AUTOINIT": "False", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "\n"), ran.stderr


def _commands() -> str:
    """Return the shell commands of the page as a reader types them."""
    return commands(HOW_TO.read_text(encoding="utf-8"))


def _settings_of_the_page(host: str) -> dict[str, str]:
    """Run the page's commands in a shell with another host; return the variables that they export."""
    script = _commands().replace("https://cloud.langfuse.com", host)
    assert host in script
    shown = 'printf "%s\\n%s\\n" "$OTEL_EXPORTER_OTLP_ENDPOINT" "$OTEL_EXPORTER_OTLP_HEADERS"'
    ran = subprocess.run(
        ["/bin/sh", "-euc", f"{script}\n{shown}"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    endpoint, headers = ran.stdout.splitlines()[-2:]
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_HEADERS": headers}


async def test_langfuse_gets_what_it_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's commands send Langfuse the path, the basic auth and the attributes that it maps.

    Langfuse's mapping, from its OtelIngestionProcessor and ObservationTypeMapper: the operation is the kind of an
    observation, the conversation is the session, the model and the tokens are the usage.
    """
    async with receiving("/api/public/otel") as (receiver, endpoint):
        for name, value in _settings_of_the_page(endpoint.removesuffix("/api/public/otel")).items():
            monkeypatch.setenv(name, value)
        settings = CoreSettings.read()
        assert str(settings.otel_exporter_otlp_endpoint) == endpoint
        model = ScriptedModel()
        agent = _agent(model)
        async with tracing(str(settings.otel_exporter_otlp_endpoint), {"service.name": "phone-agent"}) as agent.tracer:
            record = await _converse(agent, model)
    scheme, credentials = receiver.headers[0]["authorization"].split(" ")
    assert (scheme, base64.b64decode(credentials, validate=True)) == ("Basic", b"pk-lf-1234567890:sk-lf-1234567890")
    assert receiver.headers[0]["x-langfuse-ingestion-version"] == "4"
    assert receiver.headers[0]["content-type"] == "application/x-protobuf"
    kinds = {"chat": "GENERATION", "invoke_agent": "AGENT", "execute_tool": "TOOL", None: "SPAN"}
    seen = sorted(kinds[attributes(span).get("gen_ai.operation.name")] for span in receiver.spans)
    assert seen == ["AGENT", "GENERATION", "SPAN", "TOOL"]
    assert receiver.called(AGENT)["gen_ai.conversation.id"] == record.session_id
    generation = receiver.called(CHAT)
    assert generation["gen_ai.response.model"] == MODEL
    assert (generation["gen_ai.usage.input_tokens"], generation["gen_ai.usage.output_tokens"]) == (430, 56)
    assert not [name for span in receiver.spans for name in attributes(span) if name in ("user.id", "langfuse.user.id")]
    assert SECRET_WORDS.encode() not in receiver.raw
