"""A caller asks for a human and talks with one: recognised speech, a SIP call, a whisper, a connection."""

from collections.abc import Iterator

import pytest

from standins.speech import contains
from tests.support.whole_product import Product, running


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run the product with a person on a SIP telephone, as `voice-agent run` starts it by default."""
    with running(tmp_path_factory.mktemp("product")) as product:
        yield product


def test_the_caller_hears_a_person_and_the_person_has_heard_what_it_is_about(product: Product) -> None:
    """The recording has the agent's words and then the person's, as read by an independent recogniser."""
    code, [call], complaints = product.call(
        *("--say", "what is the weather in Paris", "--say", "I want to talk to a human"),
        *("--expect-tool", "transfer_to_human", "--expect-text", "this is a person"),
    )
    assert code == 0, (complaints, call["transcripts"])
    agent, _, person = call["transcripts"][-1].partition("hello")
    assert contains(agent, "I am connecting you"), call["transcripts"]
    assert contains(person, "this is a person how can I help you"), call["transcripts"]
    events = {event["event"]: event for event in call["timeline"]}
    order = [
        events[name]["at"] for name in ("dial", "dial_ringing", "dial_answered", "whisper", "gathered", "dial_bridged")
    ]
    assert order == sorted(order)
    whisper = [event["text"] for event in call["timeline"] if event["event"] == "whisper"]
    [heard] = whisper
    assert heard.startswith("Caller")
    assert contains(heard, "what is the weather")
    assert heard.endswith("Press 1 to take the call.")
    invitation = [line for line in product.log("person") if line["event"] == "person_invited"][-1]
    assert invitation["display_characters"] > 100
    assert "paris" not in str(product.log("person")).lower()
    ended = [line for line in product.log() if line["event"] == "session_ended"]
    assert [line["reason"] for line in ended if line["call_sid"] == call["call_sid"]] == ["transferred"]
    assert "paris" not in str(product.log()).lower(), "the service's log tells what a caller said"
