"""Which lines of its children `voice-agent run` shows, and how."""

import json

from standins.cli.banner import is_for_people, short


def test_metrics_are_not_shown_to_a_person() -> None:
    """They come twice a minute from each service, are long, and stand in the log file for whoever wants them."""
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
