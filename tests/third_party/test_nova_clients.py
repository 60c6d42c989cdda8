"""Five unmodified third-party clients hold the same conversation with our stand-in for Nova Sonic.

They test the stand-in: their authors know the real service, and they share no code with ours. Clients whose endpoint is
a setting get it from there; the others reach the stand-in under Bedrock's own name (`standins.alias`).
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soxr

from standins.nova.results import unwrapped
from standins.twilio import mulaw
from tests.support.third_party import START_SECONDS, TALK_SECONDS, Client, Event, Nova, running_nova

CLIENTS: Final = [
    Client("aws-sdk-python", "client-aws-sdk", "aws_sdk_client.py", alias=False),
    Client("aws-sdk-javascript", "client-node", "node/client.mjs", alias=False),
    Client("pipecat", "client-pipecat", "pipecat_client.py", alias=True),
    Client("livekit", "client-livekit", "livekit_client.py", alias=True),
    Client("strands", "client-strands", "strands_client.py", alias=True),
]
ENDED: Final = "session_end"
MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
ENDS: Final = {
    # Pipecat 1.14 sends promptEnd while the audio content is still open, which AWS's documents forbid.
    "pipecat": ("validationException: Error(s):\nError 1 : All contents must be closed before ending prompt",),
    # LiveKit 1.8 says goodbye in one task while another may still send audio. The SDK for Python signs an event, then
    # waits for room to send it, so on a busy machine the last events can overtake each other, signatures and all.
    "livekit": (ENDED, f"validationException: {MISMATCH}"),
    # Strands 1.62 sends connectionEnd where AWS's documents have sessionEnd.
    "strands": ("validationException: Malformed input request, please reformat your input and try again.",),
}
"""How the stand-in ends the session of a client that leaves in a way that AWS's documents do not have.

No client notices, because each has stopped listening by then.
"""
SPEECH: Final = Path(__file__).parents[1] / "fixtures" / "speech"
QUESTION, OBJECTION = "what is the weather in paris", "goodbye"
HEARD: Final = {"livekit": [QUESTION, OBJECTION, "Thank you."]}
"""What the clients that do not begin with a greeting write or say."""
ANSWER: Final = "It is 21 degrees and partly cloudy in Paris."
pytestmark = pytest.mark.timeout(len(CLIENTS) * (START_SECONDS + TALK_SECONDS))


LANES: Final = 2
"""Conversations at a time: one alone leaves half of the machine idle."""


@dataclass(frozen=True)
class Talk:
    """One conversation with the events of both sides."""

    story: list[Event]
    record: Event
    crashed: list[Event]
    refused: int


@pytest.fixture(scope="module")
def talks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Talk]]]:
    """Run all selected clients, those of one lane with one stand-in: its speech recognition starts slowly."""
    chosen = [one for one in CLIENTS if any(item.name.endswith(f"[{one.name}]") for item in request.session.items)]
    with ExitStack() as open_until_the_end:
        lanes = [open_until_the_end.enter_context(ThreadPoolExecutor(1)) for _ in range(LANES)]
        folders = [tmp_path_factory.mktemp("nova") for _ in lanes]
        standins = [
            lane.submit(open_until_the_end.enter_context, running_nova(folder))
            for lane, folder in zip(lanes, folders, strict=True)
        ]
        yield {
            one.name: lane.submit(_talk, one, nova, tmp_path_factory.mktemp(one.name))
            for one, lane, nova in zip(chosen, cycle(lanes), cycle(standins))
        }


def _talk(client: Client, standin: "Future[Nova]", folder: Path) -> Talk:
    nova = standin.result()
    before = nova.sessions()
    story = client.talk(nova, folder, spoken(QUESTION, folder), spoken(OBJECTION, folder))
    record = nova.session_after(before)
    return Talk(story, record, nova.notes("stream_crashed"), nova.ask("/stats")["streams_refused"])


def spoken(words: str, folder: Path) -> Path:
    """Return a sentence as a headset sends it: 16-bit samples at 16 kHz."""
    recording = (SPEECH / f"{words.replace(' ', '_')}.wav").read_bytes()
    narrow = np.frombuffer(mulaw.decode(recording[recording.index(b"data") + 8 :]), "<i2")
    wide = soxr.resample(narrow.astype(np.float32), 8_000, 16_000).clip(-32_768, 32_767).astype("<i2")
    file = folder / f"{words.replace(' ', '_')}.pcm"
    file.write_bytes(wide.tobytes())
    return file


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_asks_is_answered_interrupts_and_leaves(client: Client, talks: Mapping[str, Future[Talk]]) -> None:
    """Client and stand-in report a greeting, a spoken question with a tool, a barge-in and the end."""
    talk = talks[client.name].result()
    check_story(talk.story)
    check_record(talk.record, HEARD.get(client.name, ["Greet the caller.", QUESTION, OBJECTION]))
    assert talk.record["end_reason"] in ENDS.get(client.name, (ENDED,))
    assert talk.crashed == []
    assert talk.refused == 0


def check_story(story: list[Event]) -> None:
    """Check the client's events: everything once, in order."""
    names = [event["event"] for event in story]
    assert [event for event in story if event["event"] == "error"] == []
    assert [event for event in story if event["event"] == "tool"] == [
        {"event": "tool", "location": "Paris", "format": "celsius"}
    ]
    order = ["tool", "barge_in", "interrupted", "leaving", "ended"]
    assert [name for name in names if name in order] == order
    assert names[-1] == "ended"
    tool, answer, interruption = names.index("tool"), names.index("barge_in"), names.index("interrupted")
    assert sound(story[tool:answer]) > 0
    assert sound(story[interruption:]) > 0


def sound(story: list[Event]) -> int:
    """Return the bytes of audio."""
    return sum(event["bytes"] for event in story if event["event"] == "audio")


def check_record(record: Event, heard: list[str]) -> None:
    """Check the stand-in's record: the same conversation, without another word or tool."""
    (use,) = record["tools"]
    assert (use["name"], use["input"]) == ("get_current_weather", {"location": "Paris", "format": "celsius"})
    result = unwrapped(use["result"])
    assert isinstance(result, dict)
    assert (result["temperature"], result["conditions"]) == (21, "partly_cloudy")
    assert [words["text"] for words in record["heard"]] == heard
    assert record["interruptions"] == 1
    # The record has only words that were heard; a reply may be interrupted before its first word.
    for words in (said["text"] for said in record["said"] if said["interrupted"]):
        assert ANSWER.startswith(words)
    assert ANSWER not in [said["text"] for said in record["said"]]
    assert record["said"][-1]["text"] in ("You can hang up now.", "You are welcome.")
