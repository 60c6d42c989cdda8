"""`voice-agent bench`: compares the phone or web agent with a stock Pipecat agent in the same run."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from voice_agent.bench import meter, start_up, table
from voice_agent.bench.capacity import Capacity, search
from voice_agent.bench.contender import (
    OURS,
    OURS_WEB,
    OVER_H2,
    OVER_H2_WEB,
    OVER_SDK,
    OVER_SDK_WEB,
    STOCK,
    STOCK_WEB,
    Contender,
)
from voice_agent.bench.figures import CALLS, VISITS, calls_per_core
from voice_agent.bench.meter import Cores, NoMeter
from voice_agent.bench.options import BenchOptions
from voice_agent.bench.start_up import StartUps, measure_starts
from voice_agent.bench.trial import Load, Trial, run_trial
from voice_agent.run.plan import agents_folder

_INVALID: Final = 1
_IMPOSSIBLE: Final = 2


def measure(options: BenchOptions) -> int:
    """Run the benchmark, print it and return 0 if it is valid, 1 if calls failed, 2 if this machine cannot measure."""
    try:
        meter.read(os.getpid())
    except NoMeter as error:
        sys.stderr.write(f"voice-agent bench: {error}\n")
        return _IMPOSSIBLE
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - an optional dependency

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_bench(options))


async def _bench(options: BenchOptions) -> int:
    cores = Cores.available()
    # The callers and the model run in this process and must stay off the agent's core.
    cores.pin(0, cores.others)
    base, compared = _pair(options)
    words = VISITS if options.web else CALLS
    trials: dict[Contender, list[Trial]] = {base: [], compared: []}
    found: dict[str, Capacity] = {}
    starts = StartUps()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        load = Load(options.calls, options.seconds, cores, Path(folder))
        for number in range(1, options.rounds + 1):
            # The agents alternate, so that a drift of the machine's speed affects both.
            for contender, so_far in trials.items():
                so_far.append(await _try(contender, load, f"round {number}"))
        every = [trial for so_far in trials.values() for trial in so_far]
        invalid = table.trouble(every)
        if not invalid:
            print("\n" + table.text(load, trials[base], trials[compared], words))
            # A web agent reads the same folders; the start of one service shows what they cost.
            starts = StartUps() if options.web else await _starts(load, options.rounds)
            invalid += [starts.trouble] if starts.trouble else []
            if options.capacity:
                found = {agent.name: await _capacity(agent, load, so_far) for agent, so_far in trials.items()}
                print("\n" + table.capacity(found, words))
    if options.json:
        options.json.write_text(json.dumps(table.as_json(load, every, found, starts.starts), indent=1) + "\n")
    for reason in invalid:
        sys.stderr.write(f"INVALID {reason}\n")
    return _INVALID if invalid else 0


def _pair(options: BenchOptions) -> tuple[Contender, Contender]:
    """Return the two that are compared: the first is the base of the ratios."""
    if options.web:
        return (OVER_SDK_WEB, OVER_H2_WEB) if options.transports else (STOCK_WEB, OURS_WEB)
    return (OVER_SDK, OVER_H2) if options.transports else (STOCK, OURS)


async def _starts(load: Load, rounds: int) -> StartUps:
    folder = load.folder / "starts"
    folder.mkdir()
    starts = await measure_starts(agents_folder(os.environ), folder, load.cores, rounds)
    if not starts.trouble:
        print("\n" + start_up.text(starts.starts))
    return starts


async def _try(contender: Contender, load: Load, label: str) -> Trial:
    trial = await run_trial(contender, load)
    outcome = "INVALID"
    if trial.valid:
        outcome = (
            f"{trial.cpu_per_call_minute:.2f} CPU s per call-minute, others used {trial.foreign_cpu:.0%} of a core"
        )
    sys.stderr.write(f"{label}, {contender.name}, {load.calls} calls: {outcome}\n")
    return trial


async def _capacity(contender: Contender, load: Load, so_far: Sequence[Trial]) -> Capacity:
    def calls(number: int) -> Load:
        return Load(number, load.seconds, load.cores, load.folder)

    alone = await _try(contender, calls(1), "alone")
    if not alone.valid:
        return Capacity(trials=[alone])
    # A little below the estimate, so that the first trial probably passes.
    start = round(calls_per_core(so_far[-1]) * 0.9)
    return await search(lambda number: _try(contender, calls(number), "capacity"), alone, start)
