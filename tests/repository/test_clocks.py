"""The wall clock can jump, so it is used only for times that others read, or that are read later."""

import ast

from tools.workspace import ROOT

SHIPPED = ("shared/agent_core/src", "services/phone-agent/src", "services/webrtc-agent/src")
NAMED_BY_THE_CALENDAR = {
    "agent_core/agent_runtime.py",  # tells the model the date
    "agent_core/tools/call.py",  # tells a tool the agent's local time
    "agent_core/nova/http2/model_stream.py",  # compares the time with the model's, like the SDK's transport
    "agent_core/nova/http2/signing.py",  # signatures contain the time
    "agent_core/nova/sdk.py",  # compares the time with the model's, which rejects signatures of a wrong clock
    "agent_core/observability/meter.py",  # when something was counted
    "agent_core/observability/otlp.py",  # when a span began
    "agent_core/conversation/session.py",  # when a conversation began
    "phone_agent/phone_service.py",  # when an unconnected call began
    "phone_agent/twilio_transfer.py",  # when Twilio received the dial request
    "webrtc_agent/daily/room_factory.py",  # when a room expires
    "webrtc_agent/notice.py",  # when a visitor agreed
    "webrtc_agent/rtp_sender.py",  # the sender reports of RTCP contain the time
}
DECIDES_WHAT_HAS_EXPIRED = {
    "agent_core/adapters/call_store/dynamodb.py",
    "agent_core/adapters/call_store/file_store.py",
    "agent_core/adapters/call_store/process_store.py",
    "agent_core/adapters/call_store/store.py",
    "agent_core/quota/keeper.py",  # which task's share of the model's streams expires
    "agent_core/lost_records.py",  # which task's list of conversations is too old
    "agent_core/daily_budget.py",  # when a budget's day ends
    "phone_agent/transfer_context.py",
    "phone_agent/person_routes.py",  # whether the call limit allows another person
    "phone_agent/routes.py",  # the remaining limit of a resumed call
    "phone_agent/stream_token.py",
    "webrtc_agent/call_limits.py",  # when a visitor may be called again: tasks share no other clock
    "webrtc_agent/queue_turns.py",  # which tickets are valid: tasks share no other clock
    "webrtc_agent/ratings.py",  # until when a conversation may be rated, at any task
    "webrtc_agent/returning.py",  # until when a visitor may return
}


def _reads_the_wall_clock(source: str) -> bool:
    names = {ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return bool(names & {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow"})


def test_fault_39_a_clock_that_jumps_moves_expiry_and_nothing_else() -> None:
    """Waits, time limits and measurements use the monotonic clock."""
    reads = {
        str(path.relative_to(ROOT / folder))
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*.py")
        if _reads_the_wall_clock(path.read_text(encoding="utf-8"))
    }
    assert reads == NAMED_BY_THE_CALENDAR | DECIDES_WHAT_HAS_EXPIRED
    assert _reads_the_wall_clock("import time\nnow = time.time\n")
