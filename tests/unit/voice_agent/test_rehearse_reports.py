"""The reports of rehearsals: lines on a terminal, a JUnit file, and one HTML file that makes no request."""

import html.parser
import io
import wave
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import soundfile

from standins.twilio import mulaw
from voice_agent.rehearse import lines
from voice_agent.rehearse.conditions import with_losses, with_noise
from voice_agent.rehearse.junit import junit
from voice_agent.rehearse.observed import Observed, ObservedTurn, ToolUse
from voice_agent.rehearse.rehearsals import Expectation, Rehearsal, Turn
from voice_agent.rehearse.report import html as report
from voice_agent.rehearse.verdict import Verdict, judge
from voice_agent.rehearse.waveform import mulaw_wav, waveform

_TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)
_AUDIO = mulaw.encode(_TONE.tobytes())


@pytest.fixture
def verdicts() -> list[Verdict]:
    """Return a conversation that passed, and one whose second turn failed."""
    turns = (
        Turn("a table for <two>", "", Expectation("book_table", {"people": 2}), 1),
        Turn("make it three", "", Expectation("change_booking"), 4),
    )
    booked = ToolUse("book_table", {"people": 2, "name": "O'Neill & Söhne"})
    first = ObservedTurn("a table for two", "Booked.", [booked], 0.8, caller_audio=_AUDIO, agent_audio=_AUDIO)
    second = ObservedTurn("make it three", "Changed.", [ToolUse("change_booking", {"people": 3})], 0.9)
    wrong = ObservedTurn("make a tree", "I did not understand.", [], 1.0, agent_audio=_AUDIO)
    rehearsal = Rehearsal("a table", turns, Path("agents/restaurant/rehearsals/booking.yaml"))
    made = [judge(rehearsal, Observed([first, last]), today=date(2026, 12, 2)) for last in (second, wrong)]
    made[1].audio = ".run/a-table.wav"
    return made


def test_the_summary_names_rehearsal_turn_expectation_and_audio(verdicts: list[Verdict]) -> None:
    """One line says what to do next."""
    rows = [text for text, _ in lines.summary(verdicts)]
    assert rows[0].startswith("quiet        wire 2 of 2, model 1 of 2, median wait 0.9")
    assert rows[1:] == [
        "FAILED a table, turn 2, tool: expected change_booking, called none; audio: .run/a-table.wav",
    ]


def test_each_turn_has_its_line(verdicts: list[Verdict]) -> None:
    """With what the agent did, how long it took, and what it understood if that was wrong."""
    rows = [text for text, _ in lines.conversation(verdicts[1])]
    assert rows == [
        "a table (phone)",
        "  ✓ “a table for <two>”  book_table  0.8 s",
        "  ✗ “make it three”  1.0 s",
        "      model tool: expected change_booking, called none",
        "      the agent understood “make a tree”",
    ]


def test_the_junit_file_has_a_case_for_each_turn(verdicts: list[Verdict]) -> None:
    """The failed one says where its audio is."""
    root = ET.fromstring(junit("restaurant", verdicts))  # noqa: S314 - our own document
    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    (failure,) = root.iter("failure")
    assert failure.get("type") == "model"
    assert str(failure.text).endswith("audio: .run/a-table.wav")
    case = root.findall(".//testcase")[1]
    assert (case.get("line"), case.get("file")) == ("4", "agents/restaurant/rehearsals/booking.yaml")


class _Links(html.parser.HTMLParser):
    """Collects what a browser would request, and the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in {"src", "href", "action", "poster"}]


def test_the_report_makes_no_request(verdicts: list[Verdict]) -> None:
    """Every address in it is data, and a policy forbids anything else."""
    links = _Links()
    text = report("restaurant", verdicts, held="today", where="here")
    links.feed(text)
    assert links.links
    assert all(link.startswith("data:audio/wav;base64,") for link in links.links)
    assert "script" not in links.tags
    assert "default-src 'none'" in text
    assert links.tags.count("audio") == 5
    assert links.tags.count("svg") == 5


def test_the_report_escapes_what_was_said(verdicts: list[Verdict]) -> None:
    """Words of a conversation are text, and never markup."""
    text = report("restaurant", verdicts, held="today", where="<here>")
    assert "a table for &lt;two&gt;" in text
    assert "O&#x27;Neill &amp; Söhne" in text
    assert "<here>" not in text


def test_the_audio_is_a_wav_file_that_others_read() -> None:
    """Judged by libsndfile, which did not write it; Python's own module knows PCM only."""
    samples, rate = soundfile.read(io.BytesIO(mulaw_wav(_AUDIO)), dtype="int16")
    assert rate == 8000
    assert np.array_equal(samples, np.frombuffer(mulaw.decode(_AUDIO), dtype=np.int16))
    with pytest.raises(wave.Error, match="unknown format"), wave.open(io.BytesIO(mulaw_wav(_AUDIO))):
        pass


def test_a_waveform_says_how_long_it_is() -> None:
    """For a reader who cannot see it; empty audio is drawn as nothing."""
    assert 'aria-label="1.0 seconds of audio"' in waveform(_AUDIO, "#000")
    assert 'aria-label="no audio"' in waveform(b"", "#000")


def test_noise_and_losses_disturb_audio_in_the_same_way_each_time() -> None:
    """A failure can be repeated."""
    for disturb in (with_noise, with_losses):
        assert disturb(_AUDIO, 1) == disturb(_AUDIO, 1) != disturb(_AUDIO, 2)
        assert len(disturb(_AUDIO, 1)) == len(_AUDIO)
    quiet = mulaw.SILENCE * 800
    assert with_noise(quiet, 1) == quiet
