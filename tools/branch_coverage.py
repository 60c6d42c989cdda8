"""Runs tests and measures their branch coverage: `make coverage`, with `TESTS=tests/unit` for some of them.

Writes separate reports for product and stand-ins to .run/reports. A process that is killed with SIGKILL saves no data;
any other end does, see `[tool.coverage.run]` in the root pyproject.toml.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from coverage import Coverage

from tools.workspace import ROOT

REPORTED = {
    "product": ["shared/agent_core/src/*", "services/*/src/*", "infra/deployment/src/*", "cli/src/*"],
    "standins": ["standins/src/*"],
}
"""Files that each report covers."""
_SETTINGS = ROOT / "pyproject.toml"
_DATA = ROOT / ".run" / "coverage"
_REPORTS = ROOT / ".run" / "reports"


def main(tests: list[str]) -> int:
    """Run pytest with these arguments, then write the reports.

    Returns:
        pytest's exit code; the reports are written in any case.
    """
    shutil.rmtree(_DATA, ignore_errors=True)  # includes what an interrupted run left
    for folder in (_DATA, _REPORTS):
        folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={_SETTINGS}", "-m", "pytest", *tests]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    measured = Coverage(config_file=str(_SETTINGS))
    measured.combine()
    for name, files in REPORTED.items():
        _report(measured, name, files)
    return code


def _report(measured: Coverage, name: str, files: list[str]) -> None:
    table = _REPORTS / f"coverage-{name}.txt"
    with table.open("w", encoding="utf-8") as file:
        measured.report(include=files, file=file)
    figures = table.with_suffix(".json")
    measured.json_report(include=files, outfile=str(figures))
    totals = json.loads(figures.read_text(encoding="utf-8"))["totals"]
    summary = f"{totals['percent_branches_covered']:.1f} % of branches, {totals['percent_statements_covered']:.1f} %"
    print(f"\n{table.read_text(encoding='utf-8')}\n{name}: {summary} of statements\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
