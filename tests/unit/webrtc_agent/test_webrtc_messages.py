"""Which messages of a page reach the conversation."""

from typing import Any

import pytest

from agent_core.sentences import LANGUAGES, Sentences
from webrtc_agent.messages import (
    BURST,
    MAX_TEXT,
    PER_SECOND,
    TEXT_BURST,
    TEXT_PER_SECOND,
    UNANSWERED_SECONDS,
    Drop,
    Leave,
    MessageGuard,
    Pass,
    Press,
    Refuse,
    SetAudio,
    error_response,
)


def rtvi(kind: str, data: object = None) -> dict[str, Any]:
    """Return a message."""
    return {"label": "rtvi-ai", "type": kind, "id": "1", "data": data}


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        (rtvi("client-ready", {"version": "2.1.0"}), Pass("client-ready")),
        (rtvi("client-ready"), Pass("client-ready")),
        (rtvi("client-ready", {"version": 2}), Refuse("version", "1")),
        (rtvi("client-ready", {"version": "x" * 65}), Refuse("version", "1")),
        (rtvi("client-ready", "2.1.0"), Refuse("data", "1")),
        (rtvi("send-text", {"content": "hello"}), Pass("send-text")),
        (rtvi("send-text", {"content": "x" * MAX_TEXT}), Pass("send-text")),
        (rtvi("send-text", {"content": "x" * (MAX_TEXT + 1)}), Refuse("text", "1")),
        (rtvi("send-text", {"content": "  "}), Refuse("text", "1")),
        (rtvi("send-text", {"content": 5}), Refuse("text", "1")),
        (rtvi("send-text", {"content": "a\ud83d"}), Refuse("text", "1")),
        (rtvi("send-text", {"content": "hello"}) | {"id": "\ud83d"}, Drop("id")),
        (rtvi("client-ready", {"version": "\ud83d"}), Refuse("version", "1")),
        (rtvi("send-text"), Refuse("text", "1")),
        (rtvi("send-text", ["hello"]), Refuse("data", "1")),
        (rtvi("send-text", {"content": "hello", "options": {"audio_response": False, "more": 1}}), Pass("send-text")),
        (
            rtvi("send-text", {"content": "hello", "options": {"audio_response": "my card is 4111"}}),
            Refuse("text", "1"),
        ),
        (rtvi("send-text", {"content": "hello", "options": "my card is 4111"}), Refuse("text", "1")),
        (rtvi("send-text", {"content": "hello"}) | {"id": 5}, Drop("id")),
        (rtvi("send-text", {"content": "hello"}) | {"id": "x" * 65}, Drop("id")),
        (rtvi("send-text", {"content": "hello"}) | {"id": ""}, Drop("id")),
        ({"label": "rtvi-ai", "type": "send-text", "data": {"content": "hello"}}, Drop("id")),
        (rtvi("disconnect-bot"), Leave()),
        (rtvi("dtmf", {"buttons": ["1", "*", "#"]}), Press("1*#")),
        (rtvi("dtmf", {"button": "5"}), Press("5")),
        (rtvi("dtmf", {"buttons": []}), Refuse("keys", "1")),
        (rtvi("dtmf", {"buttons": ["12"]}), Refuse("keys", "1")),
        (rtvi("dtmf", {"buttons": [5]}), Refuse("keys", "1")),
        (rtvi("dtmf", {"buttons": ["1"] * 100}), Refuse("keys", "1")),
        (rtvi("dtmf", [1]), Refuse("data", "1")),
        (rtvi("raw-audio", {"base64Audio": ""}), Refuse("kind", "1")),
        (rtvi("llm-function-call-result", {}), Refuse("kind", "1")),
        (rtvi("send-file", {}), Refuse("kind", "1")),
        *(
            (rtvi(kind, {}), Refuse("kind", "1"))
            for kind in (
                "action",
                "append-to-context",
                "describe-actions",
                "describe-config",
                "get-config",
                "raw-audio-batch",
                "ui-cancel-job-group",
                "ui-cancel-task",
                "update-config",
            )
        ),
        (rtvi("client-message", {"t": "x"}), Refuse("kind", "1")),
        (rtvi("client-message", {"t": "audio-output", "d": {"enabled": False}}), SetAudio(enabled=False)),
        (rtvi("client-message", {"t": "audio-output", "d": {"enabled": 1}}), Refuse("data", "1")),
        (rtvi("client-message", {"t": "audio-output", "d": "off"}), Refuse("data", "1")),
        (rtvi("client-message", {"t": "audio-output"}), Refuse("data", "1")),
        (rtvi("ui-event", {"event": "x"}), Refuse("kind", "1")),
        (rtvi("ui-snapshot", {}), Refuse("kind", "1")),
        ({"type": "send-text", "data": {"content": "hello"}}, Drop("not_rtvi")),
        ({"label": "rtvi-ai", "id": "1"}, Refuse("kind", "1")),
        ({"label": "rtvi-ai", "id": "1", "type": ["client-ready"]}, Refuse("kind", "1")),
        ([], Drop("not_rtvi")),
        ("ping", Drop("not_rtvi")),
        (None, Drop("not_rtvi")),
    ],
)
def test_only_what_a_page_needs(message: object, verdict: object) -> None:
    """Every message, valid or not, gets a verdict."""
    assert MessageGuard(lambda: 0.0).judge(message) == verdict


@pytest.mark.parametrize("reason", ["too_fast", "kind", "data", "version", "text", "keys"])
def test_a_refusal_is_a_sentence_under_the_message_s_own_id(reason: str) -> None:
    """A rejection has the message's own id, by which a waiting client finds it."""
    answer = error_response(Refuse(reason, "ab12"), Sentences.of())
    assert (answer["label"], answer["type"], answer["id"]) == ("rtvi-ai", "error-response", "ab12")
    assert answer["data"]["error"].endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", ["too_fast", "text", "unanswered", "too_much_text"])
def test_a_refusal_that_a_visitor_may_see_is_in_the_language(language: str, reason: str) -> None:
    """What only a developer's client can cause is in English."""
    said, english = [
        error_response(Refuse(reason, "ab12"), Sentences.of(one))["data"]["error"] for one in (language, "en-US")
    ]
    assert (said == english) is language.startswith("en")
    assert "$" not in said
    assert (str(MAX_TEXT) in said) is (reason == "text")


def test_nobody_types_that_fast() -> None:
    """A flood is rejected, then dropped silently; after a pause the client is heard again."""
    now = [0.0]
    guard = MessageGuard(lambda: now[0])
    verdicts = [guard.judge(rtvi("client-ready")) for _ in range(2 * BURST + 5)]
    assert verdicts == [Pass("client-ready")] * BURST + [Refuse("too_fast", "1")] * BURST + [Drop("too_fast")] * 5
    now[0] += 1.0
    assert guard.judge(rtvi("client-ready")) == Pass("client-ready")


def test_nobody_presses_keys_that_fast() -> None:
    """Every key counts, also several in one message, and a number over the limit is dropped as a whole."""
    now = [0.0]
    guard = MessageGuard(lambda: now[0])
    keys = rtvi("dtmf", {"buttons": ["1"] * 12})
    assert [guard.judge(keys) for _ in range(3)] == [Press("1" * 12), Refuse("too_fast", "1"), Refuse("too_fast", "1")]
    now[0] += 60.0
    pressed = 0
    for _ in range(120):
        now[0] += 0.5
        verdict = guard.judge(rtvi("dtmf", {"buttons": ["1"] * 4}))
        pressed += len(verdict.digits) if isinstance(verdict, Press) else 0
    assert 100 < pressed <= BURST + 60 * PER_SECOND


def typed(characters: int) -> dict[str, Any]:
    """Return a typed text."""
    return rtvi("send-text", {"content": "x" * characters})


def test_a_text_waits_for_the_answer_to_the_one_before() -> None:
    """A text waits until an answer has come or none can come; a rejected text does not delay the next one."""
    now, answers = [0.0], [0]
    guard = MessageGuard(lambda: now[0], lambda: answers[0])
    assert guard.judge(typed(10)) == Pass("send-text")
    now[0] += 1
    assert guard.judge(typed(10)) == Refuse("unanswered", "1")
    answers[0] += 1
    assert guard.judge(typed(10)) == Pass("send-text")  # during the answer, as a barge-in does by voice
    now[0] += UNANSWERED_SECONDS - 1
    assert guard.judge(typed(10)) == Refuse("unanswered", "1")
    now[0] += 1
    assert guard.judge(typed(10)) == Pass("send-text")


def test_nobody_types_that_much() -> None:
    """With five texts a second for an hour, each answered at once, time bounds what is passed on, not the input."""
    now, answers = [0.0], [0]
    guard = MessageGuard(lambda: now[0], lambda: answers[0])
    passed = 0
    for _ in range(3600 * 5):
        now[0] += 0.2
        answers[0] += 1
        passed += guard.judge(typed(MAX_TEXT)) == Pass("send-text")
    assert passed * MAX_TEXT <= TEXT_BURST + 3600 * TEXT_PER_SECOND
    now[0] += 60
    assert guard.judge(typed(MAX_TEXT)) == Pass("send-text")


def test_a_person_types_as_fast_as_they_can() -> None:
    """Ten characters a second without a pause are accepted, with a pasted page in between."""
    now, answers = [0.0], [0]
    guard = MessageGuard(lambda: now[0], lambda: answers[0])
    for number in range(100):
        now[0] += 6
        answers[0] += 1
        assert guard.judge(typed(MAX_TEXT if number % 10 == 9 else 60)) == Pass("send-text")
