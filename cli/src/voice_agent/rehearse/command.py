"""`voice-agent rehearse`: hold every rehearsal, print each as it ends, and write the reports."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from standins.twilio.announcement_audio import Speak
from standins.twilio.voice import open_voice
from voice_agent.call.utterances import SilentError
from voice_agent.rehearse import lines
from voice_agent.rehearse.conditions import MATRIX, QUIET
from voice_agent.rehearse.junit import junit
from voice_agent.rehearse.options import RehearseOptions
from voice_agent.rehearse.rehearsals import InvalidRehearsal, Rehearsal, read_rehearsals
from voice_agent.rehearse.report import html
from voice_agent.rehearse.sessions import hold_all, is_typed
from voice_agent.rehearse.stage import Stage, UsageError, open_deployment, open_here
from voice_agent.rehearse.verdict import Verdict
from voice_agent.run.accounts import DOLLARS_A_MINUTE
from voice_agent.run.process import ChildError
from voice_agent.terminal import Terminal

_FAILED: Final = 1
_USAGE: Final = 2
_INTERRUPTED: Final = 130
_TURN_MINUTES: Final = 0.25
"""Approximate length of a turn with its reply, for the cost of a deployment's rehearsals."""
_MOST_OF: Final = 2 / 3
"""Share of conversations in which the model must do what is expected, where it cannot always."""


def run(options: RehearseOptions) -> int:
    """Hold the rehearsals, and return the exit code."""
    try:
        return asyncio.run(rehearse(options, Path.cwd(), sys.stdout))
    except (InvalidRehearsal, SilentError, UsageError) as error:
        sys.stderr.write(f"voice-agent rehearse: {error}\n")
        return _USAGE
    except ChildError as error:
        sys.stderr.write(f"voice-agent rehearse: {error}\n")
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


async def rehearse(options: RehearseOptions, folder: Path, out: TextIO) -> int:
    """Hold the rehearsals, write the reports, and return the exit code.

    Args:
        options: The validated options.
        folder: The working directory; audio and logs are written to its `.run/rehearsals`.
        out: Receives a line for each turn.

    Raises:
        InvalidRehearsal: A rehearsal cannot be read.
        SilentError: No voice is installed.
        UsageError: The options do not allow a rehearsal.
        ChildError: A part of the system did not start.
    """
    terminal = Terminal(out)
    rehearsals = read_rehearsals(options.folder, options.only)
    _announce(terminal, options, rehearsals)
    conditions = [*MATRIX.values()] if options.matrix else [QUIET]
    async with open_voice(started=True) as speak, _stage(options, folder, rehearsals, speak) as stage:
        verdicts = await hold_all(
            stage,
            rehearsals,
            conditions,
            speak,
            _shown(terminal),
            at_once=options.at_once,
            times=options.times,
            over=options.channels,
        )
        where = stage.where
    _write(options, verdicts, where)
    for text, style in lines.summary(verdicts):
        terminal.write((text, style))
    return 0 if _is_good(options, verdicts) else _FAILED


def _announce(terminal: Terminal, options: RehearseOptions, rehearsals: Sequence[Rehearsal]) -> None:
    count = f"{len(rehearsals)} rehearsal{'s' if len(rehearsals) > 1 else ''}"
    if not options.url:
        terminal.write((f"{count}, on a system that starts now and costs nothing.", "dim"))
        return
    channels = options.channels
    conversations = [one for one in rehearsals for channel in channels if channel == "phone" or is_typed(one)]
    minutes = sum(len(one.turns) + 1 for one in conversations) * _TURN_MINUTES * options.times
    cost = minutes * DOLLARS_A_MINUTE
    attempts = f"{count}, {options.times} times each" + (f" on {len(channels)} channels" if len(channels) > 1 else "")
    terminal.write((f"{attempts}: about {minutes:.0f} minutes of speech, which cost about ${cost:.2f}.", "bold"))


def _stage(
    options: RehearseOptions, folder: Path, rehearsals: Sequence[Rehearsal], speak: Speak | None
) -> AbstractAsyncContextManager[Stage]:
    work = folder / ".run" / "rehearsals" / options.folder.resolve().name
    # Only the last run is kept: its audio belongs to its report.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    if options.url:
        return open_deployment(options, work, speak)
    kills = -(-len(rehearsals) * options.times // options.at_once) if options.matrix else 0
    return open_here(options, work, [*MATRIX.values()] if options.matrix else [QUIET], rehearsals, kills=kills)


def _shown(terminal: Terminal) -> Callable[[Verdict], None]:
    def show(verdict: Verdict) -> None:
        for text, style in lines.conversation(verdict):
            terminal.write((text, style))

    return show


def _write(options: RehearseOptions, verdicts: Sequence[Verdict], where: str) -> None:
    name = options.folder.resolve().name
    for path in filter(None, (options.junit, options.report)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if options.junit is not None:
        options.junit.write_bytes(junit(name, verdicts))
    if options.report is not None:
        held = f"{datetime.now().astimezone():%d %B %Y, %H:%M}"
        options.report.write_text(html(name, verdicts, held=held, where=where), encoding="utf-8")


def _is_good(options: RehearseOptions, verdicts: Sequence[Verdict]) -> bool:
    """Return whether the wire held everywhere, and the model did what is expected often enough."""
    # A lost call is never the model's free choice.
    if not all(verdict.wire_ok for verdict in verdicts):
        return False
    # Attempts of one rehearsal against a deployment, or conversations of one condition in which words are misheard.
    groups: dict[str, list[bool]] = {}
    for one in verdicts:
        if options.url or one.condition.misheard:
            groups.setdefault(one.rehearsal.name if options.url else one.condition.name, []).append(one.model_ok)
        elif not one.model_ok:
            return False
    return all(sum(good) >= _MOST_OF * len(good) for good in groups.values())
