"""Measure how the phone agent's start grows with the number of agents' folders: with one and with ten, in turn."""

import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from voice_agent.bench import meter
from voice_agent.bench.contender import OURS, NotReady, running
from voice_agent.bench.meter import Cores
from voice_agent.bench.model import ScriptedModel

FEW: Final = 1
MANY: Final = 10
_NUMBERS: Final = "+1555017{:04}"
"""Reserved for fiction (555-01XX)."""


@dataclass(frozen=True, slots=True)
class StartUp:
    """One start of the phone agent."""

    folders: int
    seconds: float
    """From the start of the process until it answers."""
    cpu_seconds: float
    rss_bytes: int
    """Once it answers."""


@dataclass(frozen=True, slots=True)
class StartUps:
    """The starts of all rounds, or why there are none."""

    starts: tuple[StartUp, ...] = ()
    trouble: str = ""


async def measure_starts(source: Path, folder: Path, cores: Cores, rounds: int) -> StartUps:
    """Start the phone agent with few and with many folders in turn, and return what each start took.

    Args:
        source: A folder with agents' folders; one of them is copied.
        folder: An empty folder for the copies and the logs.
        cores: Where the agent runs.
        rounds: Starts with each number.
    """
    starts: list[StartUp] = []
    try:
        agents = {count: copy_agents(source, folder / f"agents-{count}", count) for count in (FEW, MANY)}
        async with ScriptedModel(folder) as model:
            # In turn, because the first start of all reads every file from the disk and the next ones do not.
            orders = [(FEW, MANY) if number % 2 else (MANY, FEW) for number in range(rounds)]
            starts += [await _start(agents[count], count, model, folder, cores) for order in orders for count in order]
    except (NotReady, OSError) as error:
        return StartUps(trouble=str(error))
    return StartUps(tuple(starts))


async def _start(agents: Path, count: int, model: ScriptedModel, folder: Path, cores: Cores) -> StartUp:
    began = time.monotonic()
    ours, log = replace(OURS, agents=agents), folder / "start-up.log"
    async with running(ours, model_url=model.url, roots=model.roots, cores=cores, log=log) as agent:
        seconds, reading = time.monotonic() - began, meter.read(agent.pid)
    return StartUp(count, seconds, reading.cpu_seconds, reading.rss_bytes)


def copy_agents(source: Path, target: Path, count: int) -> Path:
    """Copy the largest of some agents' folders several times, each with a number of its own, and return `target`.

    Raises:
        OSError: There is no agent's folder, or it cannot be copied.
    """
    found = [path.parent for path in source.glob("*/agent.yaml")]
    if not found:
        raise FileNotFoundError(f"{source} has no folder with an agent.yaml")
    # The one with the most code, so that the copies are no easier to read than what adopters write.
    model = max(found, key=lambda one: (sum(path.stat().st_size for path in one.glob("*.py")), one.name))
    for index in range(count):
        copied = target / f"{model.name}-{index}"
        shutil.copytree(model, copied, ignore=shutil.ignore_patterns("__pycache__", "page"))
        written: dict[str, Any] = yaml.safe_load((copied / "agent.yaml").read_text(encoding="utf-8"))
        # Exactly one has the root of the page.
        page = {key: value for key, value in (written.get("page") or {}).items() if key != "path"}
        changed = {"numbers": [_NUMBERS.format(index)], "page": page | ({} if index else {"path": "/"})}
        (copied / "agent.yaml").write_text(yaml.safe_dump(written | changed, sort_keys=False), encoding="utf-8")
    return target


def text(starts: Sequence[StartUp]) -> str:
    """Return the table: the medians with few and with many folders, and their ratio."""
    few, many = ([one for one in starts if one.folders == count] for count in (FEW, MANY))
    rows = {
        "until it answers, s": ([one.seconds for one in few], [one.seconds for one in many]),
        "CPU, s": ([one.cpu_seconds for one in few], [one.cpu_seconds for one in many]),
        "memory, MB": ([one.rss_bytes / 1e6 for one in few], [one.rss_bytes / 1e6 for one in many]),
    }
    head = f"{'Start of the phone agent':<40}{f'{FEW} folder':>16}{f'{MANY} folders':>16}{'ratio':>16}"
    return "\n".join([head, *(_row(name, *map(statistics.median, values)) for name, values in rows.items())])


def _row(name: str, few: float, many: float) -> str:
    # A start can take less than a tick of the CPU's clock only on paper; a ratio to nothing has no meaning.
    ratio = f"{many / few:.2f}" if few else ""
    return f"{name:<40}{few:>16.2f}{many:>16.2f}{ratio:>16}"
