"""The message of a stand-in that cannot start: one line with a reason, and exit code 1; never a traceback."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from standins.command import failure, run
from standins.daily.__main__ import main as daily
from standins.ecs.__main__ import main as ecs
from standins.edge.__main__ import main as edge
from standins.sip.__main__ import main as sip
from standins.speech import voice, workers
from standins.twilio.__main__ import main as twilio
from standins.weather.__main__ import main as weather

LATE = "is this machine overloaded?"


@pytest.fixture
def taken() -> Iterator[str]:
    """Return a port that another program uses."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


@pytest.mark.parametrize("command", [daily, ecs, edge, weather], ids=lambda command: command.__module__.split(".")[1])
def test_a_port_that_is_taken_is_named(
    command: Callable[[], int], taken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port in use is named in the message."""
    monkeypatch.setattr(sys, "argv", ["standin", "--port", taken])
    assert command() == 1
    (line,) = capsys.readouterr().out.splitlines()
    failure_line = json.loads(line)
    assert (failure_line["event"], str(failure_line["port"])) == ("cannot_listen", taken)
    assert "in use" in failure_line["reason"]


@pytest.mark.parametrize("command", [twilio, sip], ids=["twilio", "sip"])
def test_a_voice_that_is_not_loaded_in_time_is_told(
    command: Callable[[list[str]], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A voice that is not loaded in time is reported, although a timeout has no message of its own."""

    async def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(voice.VoiceService, "start", late)
    assert command(["--port", "0"]) == 1
    failure_line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert failure_line["event"] == "cannot_start"
    assert LATE in failure_line["reason"]


async def test_a_voice_is_waited_for_longer_than_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit for loading a voice is longer than that for a sentence."""
    assert voice._START_SECONDS > 10 * voice._DEADLINE_SECONDS
    assert workers._START_DEADLINE_SECONDS > 10 * workers._DEADLINE_SECONDS
    monkeypatch.setattr(voice, "_START_SECONDS", 0.01)
    speaker = voice.VoiceService()
    loaded = threading.Event()
    monkeypatch.setattr(speaker, "_made", lambda *_: loaded.wait(60) and b"")
    with pytest.raises(TimeoutError, match="voice did not load within 0 s: is this machine overloaded"):
        await speaker.start()
    loaded.set()
    await speaker.aclose()


def test_every_failure_has_a_reason() -> None:
    """Every failure has a reason, also if its error has no message."""
    errors = (TimeoutError(), TimeoutError("late"), OSError(), OSError(98, "Address already in use"))
    failures = [failure(error, 1) for error in errors]
    assert [one["event"] for one in failures] == ["cannot_start", "cannot_start", "cannot_listen", "cannot_listen"]
    assert [one["reason"] for one in failures][1:] == ["late", "OSError", "[Errno 98] Address already in use"]
    assert LATE in str(failures[0]["reason"])


def test_what_ends_by_itself_or_by_ctrl_c_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that ends normally or by Ctrl-C prints nothing, and its exit code says which."""

    async def served() -> None:
        return None

    async def interrupted() -> None:
        raise KeyboardInterrupt

    assert [run(served(), 1), run(interrupted(), 1)] == [0, 130]
    assert capsys.readouterr().out == ""
