"""Which log lines of its children `voice-agent run` shows, and how."""

import json
import re
from typing import cast

import pytest

from voice_agent.run.banner import NO_PAGE, banner, is_for_people, last_words, short
from voice_agent.run.launch import NOT_BUILT
from voice_agent.run.parts import Part, Program
from voice_agent.run.plan import Plan
from webrtc_agent import page


def test_metrics_are_not_shown_to_a_person() -> None:
    """Metrics are not shown to a person; the log file has them."""
    metrics = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "event": "metrics", "Service": "phone-agent"}
    event = {
        "event": "call_answered",
        "level": "info",
        "timestamp": "2026-11-23T14:15:16Z",
        "call_sid": "CA" + "0" * 32,
    }
    assert not is_for_people(json.dumps(metrics))
    assert is_for_people(json.dumps(event))
    assert is_for_people("no JSON at all")
    assert short("phone-agent", json.dumps(event)).endswith("phone-agent call_answered call_sid=CA000000…")


TRACE = """Traceback (most recent call last):
  File "/srv/agent/phone_agent/phone.py", line 110, in park
    prompt = self.agent.prompt(rates, call.facts, said)
  File "/srv/agent/prompts/__init__.py", line 15, in load
    return Template(text).substitute(values).strip()
KeyError: 'hours'"""


def test_of_a_trace_the_cause_is_shown() -> None:
    """Of a traceback only the exception and its place are shown."""
    line = {"event": "web_session_failed", "level": "error", "timestamp": "2026-11-23T14:15:16Z", "exception": TRACE}
    assert "exception=KeyError: 'hours' (prompts/__init__.py:15)" in short("phone-agent", json.dumps(line))
    stack = "\n".join(TRACE.splitlines()[1:-1])
    shown = short("phone-agent", json.dumps({"event": "uncaught", "level": "error", "stack": stack}))
    assert shown.endswith("stack=prompts/__init__.py:15")


def test_a_cause_is_shown_whole_with_its_remedy() -> None:
    """A cause with a remedy is shown in full."""
    line = {
        "event": "model_stream_failed",
        "level": "warning",
        "timestamp": "2026-11-23T14:15:16Z",
        "error": "nova_sonic: SmithyError",
        "cause": "no_model_access",
        "why": "this AWS account has no access to the model",
        "remedy": "request access to Nova Sonic in Bedrock's model catalog",
    }
    assert short("phone-agent", json.dumps(line))[9:] == (
        "phone-agent WARNING model_stream_failed: This AWS account has no access to the model. Request "
        "access to Nova Sonic in Bedrock's model catalog."
    )


def test_lines_are_cut_behind_a_word_and_times_can_be_read() -> None:
    """Lines are shortened between words, and Unix seconds become a readable time."""
    about = "Pretend Open-Meteo: real places and true shapes, invented numbers and more words than fit"
    shown = short("weather", json.dumps({"event": "listening", "about": about, "started_at": 1795920000.25}))
    assert "about=Pretend Open-Meteo: real places and true shapes, invented…" in shown
    assert "1.79592e+09" not in shown
    assert re.search(r"started_at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", shown)


def test_of_a_bare_trace_one_line_is_shown() -> None:
    """Of a traceback without a log event only the last line is shown."""
    shown = [line for line in TRACE.splitlines() if is_for_people(line)]
    assert shown == ["KeyError: 'hours'"]


def test_without_a_page_nothing_invites_to_it() -> None:
    """Without a page the banner names what works and the command that builds the page."""
    assert NOT_BUILT in vars(page)["_NOT_BUILT"]
    parts = [Part(name, "pretend", "http://127.0.0.1:1", real=False) for name in ("page", "calls", "telephone")]
    plan = Plan([], [], cast("Program", None), parts, "http://127.0.0.1:1", {})
    assert "\nReady.\n" in banner(plan)
    shown = banner(plan, page=False)
    assert NO_PAGE in shown
    assert "and talk" not in shown
    assert "\nReady.\n" not in shown
    assert "make call SAY=" in shown


@pytest.mark.parametrize("trouble", ["KeyError: 'hours'", '{"event":"stopped","level":"error","error":"KeyError"}'])
def test_a_death_is_told_in_the_one_line_that_says_why(trouble: str) -> None:
    """The exit of a child is explained by the one log line that says why."""
    metrics = json.dumps({"_aws": {"CloudWatchMetrics": []}, "Service": "phone-agent"})
    lines = [*TRACE.splitlines()[:-1], trouble, json.dumps({"event": "stopping", "level": "info"}), *[metrics] * 14]
    shown = last_words("phone-agent", lines)
    assert "\n" not in shown
    assert "KeyError" in shown
    assert last_words("phone-agent", [metrics]) == ""
