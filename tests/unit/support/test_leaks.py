"""The search for planted secrets finds every leak, and accepts what may be there."""

import json

import pytest

from tests.support.leaks import in_answer, in_log

START = json.dumps({"service": "phone-agent", "level": "info", "event": "starting", "port": 7860})


def line(level: str = "info", **fields: object) -> str:
    """Return a line of a service's log."""
    return json.dumps({"service": "phone-agent", "level": level, "event": "something", **fields})


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"key": "canary-auth-token"}, "the secret canary-auth-token"),
        ({"caller": "+15005550006"}, "a telephone number"),
        ({"caller": "15005550006"}, "the number of a test's caller"),
        ({"text": "440 Hz for 200 ms"}, "words of the pretend model"),
        ({"text": "What is the weather in Paris"}, "words of a caller"),
        ({"text": "You are the voice of a friendly assistant"}, "words of the instructions"),
        ({"ticket": "Ab1/" * 29 + "Ab1="}, "a ticket"),
        ({"token": "eyJhbGciOiJIUzI1NiJ9.eyJyIjoiYSJ9.abc"}, "a room's token"),
        ({"sdp": "v=0 a=ice-pwd:x"}, "an offer"),
    ],
)
def test_a_leak_is_found(fields: dict[str, object], kind: str) -> None:
    """A planted value in a line at INFO or above of either service is a leak."""
    for level in ("info", "warning", "error"):
        assert any(found.startswith(kind) for found in in_log([START, line(level, **fields)]))


def test_what_may_be_there_is_left_alone() -> None:
    """Words at DEBUG, logs of stand-ins, identifiers, counts and times are not leaks."""
    ids = {"call_sid": "CA" + "9f" * 16, "session_id": "0a" * 16, "timestamp": "2026-11-25T03:00:00.123456+00:00"}
    assert list(in_log([START, line("debug", text="what is the weather"), line(**ids, duration_ms=123456789)])) == []
    assert list(in_log(['{"service": "nova", "text": "what is the weather in Paris"}', "+15005550006"])) == []


def test_a_trace_in_a_service_s_log_is_read_too() -> None:
    """A trace in a service's log is not JSON and could quote anything, so it is searched too."""
    assert list(in_log([START, "ValueError: +15005550006"])) != []


def test_an_answer_may_hold_words_but_no_secret_and_no_trace() -> None:
    """An answer may contain words for the right visitor, but never a key or a trace."""
    assert list(in_answer(b'{"text": "what is the weather", "from": "+15005550006"}')) == []
    assert list(in_answer(b"<p>canary-model-secret</p>")) == ["the secret canary-model-secret"]
    assert list(in_answer(b"Traceback (most recent call last):\n")) == ["a trace"]
