"""The README's pictures: the call is drawn from its committed record, and the page shows current texts."""

import json
import re
import struct
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from standins.speech import transcribe_answer
from tools.readme_pictures.call_audio import mixed
from tools.readme_pictures.call_record import call_record
from tools.readme_pictures.call_svg import draw
from tools.readme_pictures.page_photo import SCHEMES, picture_size
from tools.workspace import ROOT

PICTURES = ROOT / "docs/pictures"
CLIENT = ROOT / "services/webrtc-agent/client/src"
AGENT = ROOT / "agents/weather"
README = (ROOT / "README.md").read_text(encoding="utf-8")
AGAIN = "`make readme-pictures` takes the pictures again"
MOST_BYTES = 400_000
RECORDING = PICTURES / "call.mp3"
MOST_RECORDING_BYTES = 200_000
RATE = 8_000
MARGIN = 0.15
"""Seconds around a span: the encoder adds a twentieth, and the spans of the picture are rounded."""
AUDIBLE = 0.01
"""Root mean square, of full scale: -40 dBFS, where a telephone is quiet but understood."""
CLIPPED = 0.999
LEAST_LIKENESS = 0.7
"""Of the words of a span, in order: the recogniser reads a compressed recording slightly differently."""


def read(name: str) -> dict[str, Any]:
    """Return one of the committed records."""
    record: dict[str, Any] = json.loads((PICTURES / name).read_text(encoding="utf-8"))
    return record


def test_the_call_is_drawn_from_its_measurement() -> None:
    """Drawing the committed record gives the committed bytes."""
    assert (PICTURES / "call.svg").read_text(encoding="utf-8") == draw(read("call.json")), AGAIN


def test_the_call_was_answered() -> None:
    """The picture shows a successful call: a greeting, one question, one tool and a reply."""
    record = read("call.json")
    (question,), (greeting, *_, answer) = record["caller"], record["agent"]
    (used,) = [event for event in record["model"] if event["label"] == "tool"]
    assert greeting["to"] <= question["from"] < question["to"] < answer["from"] < record["ended"]
    assert question["to"] < used["at"] < answer["to"]
    assert answer["from"] - question["to"] == pytest.approx(record["answer_seconds"][0], abs=0.02)
    assert "Stockholm" in record["command"]


def test_the_drawing_is_xml_that_names_both_waits() -> None:
    """The drawing is XML, with both waits in its title and colours for dark mode."""
    svg = (PICTURES / "call.svg").read_text(encoding="utf-8")
    tree = ET.fromstring(svg)  # noqa: S314 - our own file
    title = tree.findtext("{http://www.w3.org/2000/svg}title") or ""
    assert "first audio after" in title
    assert "answer after" in title
    assert "prefers-color-scheme: dark" in svg


def test_nothing_of_one_run_is_in_the_record() -> None:
    """The record contains no ID, account or telephone number of a call."""
    text = (PICTURES / "call.json").read_text(encoding="utf-8")
    assert re.findall(r"[A-Z]{2}[0-9a-f]{32}|\+\d{7,}|began_at", text) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_pictures_of_the_page_have_the_size_that_the_tool_takes(scheme: str) -> None:
    """The pictures of the page have the recorded size in their PNG headers."""
    content = (PICTURES / f"page-{scheme}.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    size = struct.unpack(">II", content[16:24])
    page = read("page.json")
    assert size == (page["width"], page["height"]) == picture_size()
    assert len(content) < MOST_BYTES


def test_the_pictures_show_the_texts_of_the_page() -> None:
    """The pictures show the current texts of the page."""
    files = [*sorted(CLIENT.rglob("*.ts*")), *sorted(AGENT.glob("*.yaml"))]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    plain = " ".join(sources.replace("&amp;", "&").split())
    texts = read("page.json")["texts"]
    assert len(texts) >= 8
    assert [text for text in texts if text not in plain] == [], AGAIN


def test_the_readme_shows_every_picture() -> None:
    """The README shows every picture, with an alternative text."""
    shown = re.findall(r'(?:src|srcset)="(docs/pictures/[^"]+)"|!\[[^\]]+\]\((docs/pictures/[^)]+)\)', README)
    names = {Path(first or second).name for first, second in shown}
    assert names == {path.name for path in PICTURES.iterdir() if path.suffix in {".svg", ".png"}}
    assert all('alt="' in tag for tag in re.findall(r"<img [^>]+>", README))


@pytest.fixture(scope="module")
def audio() -> NDArray[np.float64]:
    """Return the recording of the call at 8 kHz, decoded by a library that did not encode it."""
    samples, rate = soundfile.read(RECORDING, dtype="float64")
    resampled: NDArray[np.float64] = soxr.resample(samples, rate, RATE)
    return resampled


def of(audio: NDArray[np.float64], span: dict[str, Any]) -> NDArray[np.float64]:
    """Return the part of the recording, which begins when the call is answered, and a little around it."""
    first, last = (seconds - read("call.json")["stream_started"] for seconds in (span["from"], span["to"]))
    return audio[int(max(0.0, first - MARGIN) * RATE) : int((last + MARGIN) * RATE)]


def test_the_readme_links_the_recording_with_its_length(audio: NDArray[np.float64]) -> None:
    """The README links the recording and says how long it is; the file is small and of the same call as the picture."""
    found = re.search(r'<a href="docs/pictures/call\.mp3">[^<]+</a> \(MP3, (\d+) s\)', README)
    assert found, AGAIN
    assert abs(int(found[1]) - len(audio) / RATE) < 2.0  # seconds: another run need not change the README
    assert RECORDING.stat().st_size <= MOST_RECORDING_BYTES
    assert read("call.json")["agent"][-1]["to"] <= len(audio) / RATE <= read("call.json")["ended"] + 1.0


def test_the_recording_is_audible_where_somebody_speaks(audio: NDArray[np.float64]) -> None:
    """The recording has both sides and is quiet between them, and no sample is clipped."""
    record = read("call.json")
    spans = sorted([*record["caller"], *record["agent"]], key=lambda span: span["from"])
    loudness = [float(np.sqrt(np.mean(of(audio, span) ** 2))) for span in spans]
    pauses = [
        {"from": before["to"] + 2 * MARGIN, "to": after["from"] - 2 * MARGIN} for before, after in pairwise(spans)
    ]
    silence = max(float(np.sqrt(np.mean(of(audio, pause) ** 2))) for pause in pauses if pause["to"] > pause["from"])
    assert min(loudness) > 20 * silence
    assert min(loudness) > AUDIBLE
    assert float(np.abs(audio).max()) < CLIPPED


def test_the_recording_says_the_words_of_the_picture(audio: NDArray[np.float64]) -> None:
    """A recogniser reads the words of both sides."""
    record = read("call.json")
    for span in (*record["caller"], *record["agent"]):
        pcm = (of(audio, span) * 32767).astype(np.int16).tobytes()
        words, wanted = transcribe_answer(pcm, RATE).split(), span["text"].lower().split()
        assert SequenceMatcher(None, words, wanted).ratio() > LEAST_LIKENESS, words


def test_a_recording_has_both_sides_at_their_time() -> None:
    """A turn is at its second beside what the caller heard, and the sum of two loud sides is limited."""
    tone = np.full(RATE, 30_000, np.int16)
    both = mixed(tone, [(0.5, tone)])
    assert (both[0], both[RATE // 2], both[RATE], both[2 * RATE - RATE // 2]) == (30_000, 32_767, 30_000, 0)


def test_a_record_is_reduced_from_what_a_call_measured() -> None:
    """A record has one span per reply, times from the start of the call, and no event for the greeting."""
    timeline = [
        {"event": "twiml", "at": 0.02, "seconds": 0.016, "verbs": []},
        {"event": "stream_open", "at": 0.04, "seconds": 0.021},
        {"event": "stream_started", "at": 0.04},
        *({"event": f"sound_{what}", "at": at} for what, at in [("begins", 1.3), ("ends", 2.0), ("begins", 2.5)]),
        *({"event": f"sound_{what}", "at": at} for what, at in [("ends", 3.0), ("begins", 6.0), ("ends", 8.0)]),
        {"event": "ended", "at": 9.0},
    ]
    measured = {
        "call_sid": "CA1",
        "began_at": 1000.0,
        "timeline": timeline,
        "turns": [{"label": "a question", "began": 3.5, "ended": 4.5, "text": "a question"}],
        "first_audio_seconds": 1.26,
        "answer_seconds": [1.5],
        "readings": [{"at": 1.3, "text": "hello"}, {"at": 6.0, "text": "an answer"}],
        "model": {
            "heard": [{"at": 1005.0, "text": "a question"}, {"at": 1000.5, "text": "greet", "written": True}],
            "tools": [{"at": 1005.1, "name": "look", "input": {"at": "it"}}],
            "said": [{"at": 1001.0, "text": "Hello"}, {"at": 1006.0, "text": "An answer"}],
        },
    }
    record = call_record("make call", measured)
    assert [(span["from"], span["to"], span["text"]) for span in record["agent"]] == [
        (1.3, 3.0, "hello"),
        (6.0, 8.0, "an answer"),
    ]
    assert [(event["label"], event["at"]) for event in record["model"]] == [
        ("heard", 5.0),
        ("tool", 5.1),
        ("said", 6.0),
    ]
    assert record["model"][1]["text"] == "look(at=it)"
    assert "answer after 1.50 s" in draw(record)
