"""Every command of the README and the docs, run in a fresh clone as a reader types it.

A page is one reader at one terminal in a separate network: its ports are free, and nothing leaves the machine. A
command that keeps running goes into the background, as in another terminal, and gets Ctrl-C when the page is done. A
fence that cannot run here has a label (``EXCLUDED`` in tests/support/doc_commands.py).
"""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from tests.support.doc_commands import EXCLUDED, Fence, shell_fences
from tests.support.fresh_clone import allows_networks, make_clone, network_of_its_own
from tools.workspace import ROOT

PAGE_SECONDS = 400
"""Enough for a busy machine; all pages together take about four minutes on an idle one with two cores."""
READY_SECONDS = 120
STOP_SECONDS = 40
SERVERS = {
    "make run": "Ready.",
    ".venv/bin/python -m standins.nova": "listening",
}
"""How a command that keeps running begins, and what it prints when it is ready."""

FENCES = shell_fences()
PAGES = {page: list(group) for page, group in groupby((one for one in FENCES if one.runs), lambda one: one.page)}
REPORT = ROOT / ".run/reports/doc-commands.txt"

_PROLOGUE = f"""
set -eum
servers=0 jobs_to_stop=
start() {{  # what it prints when it is ready, and the command
    servers=$((servers + 1))
    eval "$2" >"server-$servers.log" 2>&1 &
    jobs_to_stop="$jobs_to_stop $!"
    for _ in $(seq {READY_SECONDS * 5}); do
        grep -qF "$1" "server-$servers.log" && return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.2
    done
    echo "not ready: $2"; cat "server-$servers.log"; return 1
}}
stop() {{
    for job in $jobs_to_stop; do
        kill -INT -- "-$job"
        timeout {STOP_SECONDS} tail --pid="$job" -f /dev/null && continue
        echo "still running after Ctrl-C"; kill -KILL -- "-$job"; exit 1
    done
}}
"""

pytestmark = [
    pytest.mark.real_time("commands run as they ship"),
    pytest.mark.timeout(PAGE_SECONDS + 60),
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone the checkout, and let `make` install our own packages, as a reader's first command does."""
    if not allows_networks():
        reason = "this machine allows no network for one program (see standins/alias.py)"
        (pytest.fail if os.environ.get("THIRD_PARTY_CLIENTS") == "required" else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("docs")
    made = make_clone(folder / "clone")
    _type("make environment", made, folder)
    return made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_work(clone: Path, tmp_path: Path, page: Path) -> None:
    """Every command of a page exits with 0, in order; a server exits on Ctrl-C."""
    script = "\n".join([_PROLOGUE, *map(_lines, PAGES[page]), "stop", ""])
    output = _type(script, clone, tmp_path)
    assert _done(output) == [fence.place for fence in PAGES[page]], output


def test_every_fence_was_run_or_is_excluded_for_a_reason(record_property: Callable[[str, object], None]) -> None:
    """The report has the number of fences that run, and of those that do not by reason."""
    excluded = Counter(fence.label for fence in FENCES if not fence.runs)
    assert excluded.keys() <= EXCLUDED.keys()
    ran = [fence for fences in PAGES.values() for fence in fences]
    assert len(ran) + excluded.total() == len(FENCES)
    lines = [f"{len(ran)} of {len(FENCES)} fences run, on {len(PAGES)} pages"]
    lines += [f"{count} excluded as `{label}`: {EXCLUDED[label]}" for label, count in sorted(excluded.items())]
    lines += [f"  {fence.label:8} {fence.place}" for fence in FENCES if not fence.runs]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    record_property("doc_commands", "; ".join(lines[: 1 + len(excluded)]))
    print("\n".join(lines))  # noqa: T201 - the report


def _lines(fence: Fence) -> str:
    """Return a fence as lines of the script: servers start in the background, other commands unchanged."""
    lines = []
    for line in re.sub(r"\\\n\s*", "", fence.text).splitlines():
        ready = next((ready for begin, ready in SERVERS.items() if line.startswith(begin)), None)
        command = line.partition("  #")[0].strip()
        lines.append(line if ready is None else f"start '{ready}' '{command}'")
    return "\n".join([f"echo ':: {fence.place}'", *lines, f"printf '\\n:: done %s\\n' '{fence.place}'"])


def _done(output: str) -> list[str]:
    return re.findall(r"^:: done (\S+)$", output, re.MULTILINE)


def _type(script: str, clone: Path, home: Path) -> str:
    """Run a script in a separate network, return its output, and end everything that it started."""
    # What a login shell has, without an account. A slow response of a busy machine says nothing about a command.
    given = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    given |= {"HOME": str(home), "TERM": "dumb", "UV_OFFLINE": "1", "WEATHER": "standin", "LATE": "60s"}
    process = subprocess.Popen(
        ["/usr/bin/env", "bash", "-c", script],
        cwd=clone,
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=network_of_its_own,  # noqa: PLW1509 - a network must be left between fork and exec
    )
    try:
        output, _ = process.communicate(timeout=PAGE_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"a page took longer than {PAGE_SECONDS} s:\n{late.stdout!r}") from late
    finally:
        _end_session(process.pid)
    assert process.returncode == 0, output
    return output


def _end_session(leader: int) -> None:
    """Kill the rest of a session, whose background jobs are process groups."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if os.getsid(int(entry.name)) == leader:
                    os.kill(int(entry.name), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
