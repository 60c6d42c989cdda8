"""Makes small changes to the code and checks that tests detect them: `python -m tools.mutation --count 20 --seed 1`.

Each mutation edits one file in place, and is undone before the next. The command first runs on unchanged code, because
a command that always fails detects everything. Exits with 1 if a mutation survives.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.mutation.mutation_run import Bench, MutationVerdict, UnsavedChangesError, refuse_changed
from tools.mutation.sample import Mutant, sample
from tools.suite import stopped_by_signals
from tools.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALL_CAUGHT, SURVIVED, NOT_RUN = 0, 1, 2
_SHOWN_IN_JSON = ("number", "package", "file", "line", "operator", "before", "after")
_A_DAY = 24 * 3600.0
type Results = list[tuple[Mutant, MutationVerdict]]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Select the mutations, try them, and print a row for each."""
    options = _options(arguments)
    mutants = sample(root, count=options.count, seed=options.seed)
    mutants = [each for each in mutants if not options.only or each.number in options.only]
    if options.list:
        print("\n".join(map(_described, mutants)))
        return ALL_CAUGHT
    bench = Bench(root, shlex.split(options.command), options.timeout * 60)
    try:
        with stopped_by_signals():
            # Before the unchanged run, which takes as long as a mutant.
            refuse_changed(root, [each.file for each in mutants])
            if options.baseline:
                bench = _measured(bench)
            results = _try_all(bench, mutants, options)
    except UnsavedChangesError as refused:
        print(f"Not run: {refused}", file=sys.stderr)
        return NOT_RUN
    print("\n".join(_table(results)))
    return ALL_CAUGHT if all(verdict.caught for _, verdict in results) else SURVIVED


def _measured(bench: Bench) -> Bench:
    """Run the command on unchanged code, and set the timeout of a mutant to at least twice that time.

    Raises:
        UnsavedChangesError: The command fails.
    """
    done = dataclasses.replace(bench, limit=_A_DAY).unchanged()
    print(f"unchanged: exit code {done.code}, {done.seconds:.0f} s", flush=True)
    if done.code != 0:
        raise UnsavedChangesError("the command fails on unchanged code; see .run/mutation/unchanged.log")
    # A busy machine must not make mutants look caught by the timeout.
    return dataclasses.replace(bench, limit=max(bench.limit, 2 * done.seconds))


def _try_all(bench: Bench, mutants: Iterable[Mutant], options: argparse.Namespace) -> Results:
    results: Results = []
    for mutant in mutants:
        verdict = bench.verdict(mutant)
        results.append((mutant, verdict))
        print(f"{_described(mutant)}\n    {_outcome(verdict)}, {verdict.seconds:.0f} s", flush=True)
        if options.json:  # after each, so that an interrupted run keeps its results
            options.json.write_text(_as_json(results, options), encoding="utf-8")
    return results


def _described(mutant: Mutant) -> str:
    change = f"{mutant.operator}: {mutant.before} → {mutant.after}"
    return f"{mutant.number:>3} {mutant.package:<13} {mutant.place}\n    {change}"


def _outcome(verdict: MutationVerdict) -> str:
    return f"caught by {verdict.by}" if verdict.caught else "SURVIVED"


def _table(results: Results) -> Iterable[str]:
    yield "\n| # | package | place | before → after | caught by | seconds |\n|---|---|---|---|---|---|"
    for mutant, verdict in results:
        change = " → ".join(f"`{text.replace('|', '\\|')}`" for text in (mutant.before, mutant.after))
        by = verdict.by if verdict.caught else "**SURVIVED**"
        yield f"| {mutant.number} | {mutant.package} | {mutant.place} | {change} | {by} | {verdict.seconds:.0f} |"
    caught = [verdict.by for _, verdict in results if verdict.caught]
    # Others were caught by a linter or a timeout.
    by_tests = sum("::" in by or by.endswith(".py") for by in caught)
    yield f"\n{len(caught)} of {len(results)} caught, {by_tests} of them by a test."


def _as_json(results: Results, options: argparse.Namespace) -> str:
    rows = [
        {name: getattr(mutant, name) for name in _SHOWN_IN_JSON} | dataclasses.asdict(verdict)
        for mutant, verdict in results
    ]
    return json.dumps({"seed": options.seed, "command": options.command, "mutants": rows}, indent=1) + "\n"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="number of mutations (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the selection")
    parser.add_argument("--list", action="store_true", help="print the mutations without running anything")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="try only the mutations with these numbers")
    parser.add_argument("--command", default="make test", help='default: "%(default)s"; pytest stops at a failure')
    parser.add_argument(
        "--timeout",
        type=float,
        default=20,
        metavar="MINUTES",
        help="timeout of a mutant, which counts as caught; at least twice the duration of the unchanged run",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to this file")
    parser.add_argument("--no-baseline", dest="baseline", action="store_false", help="skip the unchanged run")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
