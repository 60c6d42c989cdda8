"""Which messages of a page are passed on."""

from typing import Any

import pytest

from webrtc_agent.messages import BURST, MAX_TEXT, Drop, Leave, MessageGuard, Pass, Press


def rtvi(kind: str, data: object = None) -> dict[str, Any]:
    """Make a message."""
    return {"label": "rtvi-ai", "type": kind, "id": "1", "data": data}


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        (rtvi("client-ready", {"version": "2.1.0"}), Pass("client-ready")),
        (rtvi("client-message", {"t": "x"}), Pass("client-message")),
        (rtvi("send-text", {"content": "hello"}), Pass("send-text")),
        (rtvi("send-text", {"content": "x" * MAX_TEXT}), Pass("send-text")),
        (rtvi("send-text", {"content": "x" * (MAX_TEXT + 1)}), Drop("text")),
        (rtvi("send-text", {"content": "  "}), Drop("text")),
        (rtvi("send-text", {"content": 5}), Drop("text")),
        (rtvi("send-text"), Drop("text")),
        (rtvi("disconnect-bot"), Leave()),
        (rtvi("dtmf", {"buttons": ["1", "*", "#"]}), Press("1*#")),
        (rtvi("dtmf", {"button": "5"}), Press("5")),
        (rtvi("dtmf", {"buttons": []}), Drop("keys")),
        (rtvi("dtmf", {"buttons": ["12"]}), Drop("keys")),
        (rtvi("dtmf", {"buttons": [5]}), Drop("keys")),
        (rtvi("dtmf", {"buttons": ["1"] * 100}), Drop("keys")),
        (rtvi("dtmf", [1]), Drop("keys")),
        (rtvi("raw-audio", {"base64Audio": ""}), Drop("kind")),
        (rtvi("llm-function-call-result", {}), Drop("kind")),
        (rtvi("send-file", {}), Drop("kind")),
        ({"type": "send-text", "data": {"content": "hello"}}, Drop("not_rtvi")),
        ({"label": "rtvi-ai"}, Drop("kind")),
        ({"label": "rtvi-ai", "type": ["client-ready"]}, Drop("kind")),
        ([], Drop("not_rtvi")),
        ("ping", Drop("not_rtvi")),
        (None, Drop("not_rtvi")),
    ],
)
def test_only_what_a_page_needs(message: object, verdict: object) -> None:
    """Whatever comes, the answer is a verdict."""
    assert MessageGuard(lambda: 0.0).judge(message) == verdict


def test_nobody_types_that_fast() -> None:
    """A flood is dropped; who waits is heard again."""
    now = [0.0]
    guard = MessageGuard(lambda: now[0])
    verdicts = [guard.judge(rtvi("client-message")) for _ in range(BURST + 5)]
    assert verdicts.count(Drop("too_fast")) == 5
    now[0] += 1.0
    assert guard.judge(rtvi("client-message")) == Pass("client-message")
