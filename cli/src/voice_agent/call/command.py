"""`voice-agent call`: one or many callers, against this machine or a deployment."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import urlsplit

from standins.twilio.announcement_audio import Speak, write_wav
from standins.twilio.handset import Handset
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from standins.twilio.voice import open_voice
from voice_agent.call import options as call_options
from voice_agent.call import report
from voice_agent.call.caller import CallResult, Number, Patience, place
from voice_agent.call.options import CallOptions
from voice_agent.call.progress import progress
from voice_agent.call.recogniser import readings, transcripts
from voice_agent.call.running import NothingRunsError, Running, find_running, model_view, played, stages
from voice_agent.call.speakers import Recording
from voice_agent.call.turns import Spoken
from voice_agent.call.utterances import SilentError, UnusableRecordingError, prepare
from voice_agent.call.verdict import Expected, Reviewed, judge, late

_FAILED: Final = 1
_USAGE: Final = 2
_INTERRUPTED: Final = 130


class UsageError(Exception):
    """The options do not allow a call."""


def main(arguments: Sequence[str]) -> int:
    """Make the calls, report them, and return the exit code that `--help` describes."""
    return run(call_options.read(arguments))


def run(options: CallOptions) -> int:
    """Make the calls, report them, and return the exit code."""
    try:
        return asyncio.run(make_calls(options, Path.cwd(), sys.stdout))
    except (UsageError, SilentError, UnusableRecordingError) as error:
        sys.stderr.write(f"voice-agent call: {error}\n")
        return _USAGE
    except NothingRunsError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


async def make_calls(options: CallOptions, folder: Path, out: TextIO, patience: Patience | None = None) -> int:
    """Make all calls at once, save their audio, write the report, and return the exit code.

    Args:
        options: The validated options.
        folder: Where to look for a running system; then in the folders above it.
        out: Receives the report.
        patience: Time limits of the callers; the default suits a conversation.

    Raises:
        UsageError: the options do not allow the calls.
        SilentError: a turn needs a voice and none is installed.
        UnusableRecordingError: a recording cannot be read, or is silent.
        NothingRunsError: no running system was found.
    """
    # All callers speak at the same moment, so more callers wait longer for a reply.
    patience = patience or Patience(answer=12.0 + options.calls / 2)
    patience = replace(patience, call=options.timeout, barge_in=options.barge_in)
    _check_writable(options)
    talks = any(isinstance(turn, Spoken) for turn in options.turns)
    async with open_voice(started=talks) as speak, _exchange(options, folder, speak) as (number, running):
        # Speech synthesis is slow and would delay the turns if it ran during the calls.
        utterances = [await prepare(options.turns, caller, speak) for caller in range(options.calls)]
        handsets = [Handset(number.exchange_url) for _ in utterances]
        results = [CallResult(caller, each.timeline, each.heard) for caller, each in enumerate(handsets)]
        stopped = False
        try:
            async with progress(handsets, sys.stderr), asyncio.TaskGroup() as calls:
                for handset, result, turns in zip(handsets, results, utterances, strict=True):
                    calls.create_task(place(handset, number, result, turns, patience))
        except asyncio.CancelledError:
            # Ctrl-C: the task group has hung up the calls. The report shows what was measured until then.
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            stopped = True
    _save(options, results)
    if stopped:
        _write(options, [Reviewed(result, None, []) for result in results], [[] for _ in results], running, out)
        out.write("Stopped by Ctrl-C; the results are incomplete.\n")
        return _INTERRUPTED
    return await _report(options, results, running, out)


def _check_writable(options: CallOptions) -> None:
    """Check before the calls that the audio can be saved after them."""
    if options.save is None:
        return
    path = _file(options.save, 0, options.calls)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        # Opening for appending tests the permission and keeps an existing recording.
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        reason = f"--save {options.save}: {error.strerror}; no call was made"
        raise UsageError(reason) from error


@contextlib.asynccontextmanager
async def _exchange(
    options: CallOptions, folder: Path, speak: Speak | None
) -> AsyncIterator[tuple[Number, Running | None]]:
    """Yield the number to call: at the running exchange or, for a deployment, at an exchange of our own."""
    running = None if options.url else await find_running(folder)
    # A URL of this machine's own system is not a deployment: its exchange has the credentials.
    if options.url and (local := await _running_here(options.url, folder)) is not None:
        running = local
    if running is not None and running.exchange_url:
        yield Number(running.exchange_url, _webhook(running.called_url), options.caller, options.callee), running
        return
    url = options.url or (running.base_url if running else "")
    if not options.auth_token or not options.account_sid:
        reason = (
            f"{url} accepts signed calls only: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to those of the deployment"
        )
        raise UsageError(reason)
    settings = ExchangeSettings(
        account_sid=options.account_sid, auth_token=options.auth_token, edge_header=options.edge_header
    )
    async with TwilioExchange(settings, speak=speak) as exchange:
        yield Number(exchange.url, _webhook(url), options.caller, options.callee), running


async def _running_here(url: str, folder: Path) -> Running | None:
    try:
        running = await find_running(folder)
    except NothingRunsError:
        return None
    return running if running.base_url.rstrip("/") == url.rstrip("/") else None


def _webhook(url: str) -> str:
    # A URL without a path is the service itself; a user who names a path means another webhook.
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        reason = f"{url!r} is not a URL such as https://agent.example.com"
        raise UsageError(reason)
    return url if parts.path.strip("/") else f"{url.rstrip('/')}/incoming-call"


def _save(options: CallOptions, results: Sequence[CallResult]) -> None:
    """Save the audio of every call, also of a failed one."""
    if options.save is None:
        return
    for result in results:
        options.save.parent.mkdir(parents=True, exist_ok=True)
        _file(options.save, result.caller, len(results)).write_bytes(write_wav(result.heard()))


def _file(path: Path, caller: int, calls: int) -> Path:
    return path if calls == 1 else path.with_stem(f"{path.stem}-{caller + 1}")


async def _report(options: CallOptions, results: Sequence[CallResult], running: Running | None, out: TextIO) -> int:
    reviewed = [await _review(options, result, running) for result in results]
    # Of a deployment only the audio is visible: its model and its logs are out of reach.
    visible = running is not None
    expected = Expected(options.expect_tool, options.expect_text, options.turns, visible, options.expect_speech)
    wrong = [
        [*judge(call, expected), *too_late]
        for call, too_late in zip(reviewed, late(reviewed, options.late), strict=True)
    ]
    if options.as_json:
        _write_json(reviewed, wrong, out)
    else:
        _write(options, reviewed, wrong, running, out)
    return _FAILED if any(wrong) else 0


async def _review(options: CallOptions, result: CallResult, running: Running | None) -> Reviewed:
    view = await model_view(running, result.call_sid) if running and result.call_sid else None
    # Recognising the speech of twenty calls takes longer than the calls, so it runs only if a check needs it.
    wanted = options.calls == 1 or options.expect_text or any("|" in str(turn) for turn in options.turns)
    read = await readings(result) if wanted else []
    # The log has Unix time and the timeline seconds of the call.
    zero = result.timeline.began_at
    heard = played(running, result.call_sid) if running and result.call_sid else []
    recordings = [Recording(one.at - zero, one.name) for one in heard]
    entered = stages(running, result.call_sid) if running and result.call_sid else []
    return Reviewed(result, view, transcripts(result, read) if wanted else [], read, recordings, entered)


def _write(
    options: CallOptions,
    calls: Sequence[Reviewed],
    wrong: Sequence[Sequence[str]],
    running: Running | None,
    out: TextIO,
) -> None:
    terminal = report.CallReport(out)
    if len(calls) == 1:
        for line in report.lines(calls[0], f"{options.caller} → {options.callee}"):
            terminal.row(line)
        terminal.sentence(report.totals(calls[0]), "bold")
        if calls[0].readings:
            terminal.sentence("What was said in greeting and answer is a recogniser's reading of the recording.", "dim")
    else:
        terminal.table(report.summary(calls, wrong))
    if running is None:
        terminal.sentence(
            "What the agent understood and which tools it used cannot be seen from outside a deployment.", "dim"
        )
    if options.save is not None:
        terminal.sentence(
            f"saved: {', '.join(str(_file(options.save, call.result.caller, len(calls))) for call in calls)}"
        )
    for call, reasons in zip(calls, wrong, strict=True):
        for reason in reasons:
            terminal.sentence(f"FAILED {f'(call {call.result.caller + 1}) ' if len(calls) > 1 else ''}{reason}", "red")


def _write_json(calls: Sequence[Reviewed], wrong: Sequence[Sequence[str]], out: TextIO) -> None:
    documents = [
        {
            "call_sid": call.result.call_sid,
            "began_at": call.result.timeline.began_at,
            "timeline": [event.as_json() for event in call.result.timeline.events],
            "turns": [vars(turn) for turn in call.result.turns],
            "first_audio_seconds": report.first_audio_seconds(call.result),
            "model": vars(call.view) if call.view else None,
            "transcripts": call.transcripts,
            "readings": [vars(reading) for reading in call.readings],
            "answer_seconds": [round(wait, 3) for wait in call.waits],
            "failures": list(reasons),
        }
        for call, reasons in zip(calls, wrong, strict=True)
    ]
    # A single call is an object and not a list of one, so that `jq` reads it directly.
    out.write(json.dumps(documents if len(documents) > 1 else documents[0], indent=2) + "\n")
