"""A pytest plug-in: each rehearsal of an agent's folder is a test.

    pytest -p voice_agent.rehearse.pytest_plugin agents/restaurant/rehearsals

The first test starts a system with stand-ins, which all of them use; without an account, and at no cost.
"""

import asyncio
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from standins.twilio.voice import open_voice
from voice_agent.rehearse import lines
from voice_agent.rehearse.conditions import QUIET
from voice_agent.rehearse.options import RehearseOptions
from voice_agent.rehearse.rehearsals import InvalidRehearsal, Rehearsal, read_file, read_rehearsals
from voice_agent.rehearse.sessions import hold_all
from voice_agent.rehearse.stage import open_here
from voice_agent.rehearse.verdict import Verdict
from voice_agent.run.options import variables

_START_SECONDS: Final = 300.0
_HOLD_SECONDS: Final = 600.0
_STOP_SECONDS: Final = 60.0
_FOLDER: Final = "rehearsals"


class RehearsalFailure(Exception):
    """A rehearsal was not as expected; the message has one line for each turn and miss."""


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Collect the YAML files in a folder named `rehearsals`."""
    if file_path.suffix == ".yaml" and file_path.parent.name == _FOLDER:
        return RehearsalFile.from_parent(parent, path=file_path)
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the systems that tests have started."""
    for held in session.stash.get(_SYSTEMS, {}).values():
        held.close()


class RehearsalFile(pytest.File):
    """One file of rehearsals."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each rehearsal.

        Raises:
            CollectError: The file cannot be read; the message names the line.
        """
        try:
            found = read_file(self.path)
        except InvalidRehearsal as error:
            raise self.CollectError(str(error)) from error
        for rehearsal in found:
            yield RehearsalItem.from_parent(self, name=rehearsal.name, rehearsal=rehearsal)


class RehearsalItem(pytest.Item):
    """One rehearsal."""

    def __init__(self, *, rehearsal: Rehearsal, **kwargs: Any) -> None:  # noqa: ANN401 - pytest's own arguments
        super().__init__(**kwargs)
        self._rehearsal = rehearsal

    def runtest(self) -> None:
        """Hold the rehearsal.

        Raises:
            RehearsalFailure: Something was not as expected.
        """
        systems = self.session.stash.setdefault(_SYSTEMS, {})
        folder = self.path.parent.parent
        # One system for all rehearsals of a folder: its start takes longer than a conversation.
        if folder not in systems:
            systems[folder] = _Held(folder, self.config.rootpath)
        verdict = systems[folder].hold(self._rehearsal)
        if not verdict.passed:
            raise RehearsalFailure("\n".join(text for text, _ in lines.conversation(verdict)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401 - pytest's signature
        """Return the lines of the conversation, without a traceback of this plug-in."""
        if isinstance(excinfo.value, RehearsalFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place of the rehearsal."""
        return self.path, self._rehearsal.turns[0].line - 1, f"rehearsal: {self.name}"


class _Held:
    """A system in a thread with an event loop of its own, because pytest's tests are not asynchronous."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._options = RehearseOptions(folder, "", "phone", False, "", None, None, 1, 1, variables())  # noqa: FBT003 - no matrix
        self._work = root / ".run" / "rehearsals" / f"{folder.name}-pytest"
        self._orders: asyncio.Queue[Callable[[], Coroutine[Any, Any, None]] | None] = asyncio.Queue()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="rehearsals", daemon=True)
        self._thread.start()

    def hold(self, rehearsal: Rehearsal) -> Verdict:
        """Hold one rehearsal, and return the verdict."""
        if not self._ready.wait(_START_SECONDS):
            raise RehearsalFailure(f"the system did not start within {_START_SECONDS:g} s")
        if self._error is not None or self._loop is None:
            raise RehearsalFailure(f"the system did not start: {self._error}")
        return asyncio.run_coroutine_threadsafe(self._hold(rehearsal), self._loop).result(_HOLD_SECONDS)

    def close(self) -> None:
        """Stop the system."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._orders.put_nowait, None)
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - every failure of the start is reported by the test that waits
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        async with (
            open_voice(started=True) as self._speak,
            open_here(
                self._options, self._work, [QUIET], read_rehearsals(self._options.folder), kills=0
            ) as self._stage,
        ):
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            # Until `close` puts the end into the queue; the tests run on this loop meanwhile.
            await self._orders.get()

    async def _hold(self, rehearsal: Rehearsal) -> Verdict:
        verdicts = await hold_all(self._stage, [rehearsal], [QUIET], self._speak, lambda _: None, at_once=1, times=1)
        return verdicts[-1]


_SYSTEMS: Final = pytest.StashKey[dict[Path, _Held]]()
