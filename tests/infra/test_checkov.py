"""Each finding of checkov in the templates and GitHub's workflows is fixed or accepted with a reason."""

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.templates import FOLDER
from tools.isolated_env import isolated
from tools.workspace import ROOT, program

ACCEPTED = tomllib.loads((ROOT / "infra/accepted-findings.toml").read_text())["finding"]
pytestmark = pytest.mark.thorough  # it has an environment of its own

CHECKOV = program(isolated("checkov"), "checkov")


WORKFLOWS = ROOT / ".github"


def scanned(folder: Path, framework: str) -> dict[str, list[tuple[str, str]]]:
    """Return checkov's checks and resources for a folder, passed and failed."""
    if not CHECKOV.exists() and os.environ.get("CHECKOV") != "required":
        pytest.skip("checkov needs an isolated environment: `make isolated-tools` makes it, and `make test-all` does")
    command = [str(CHECKOV), "-d", str(folder), "--framework", framework, "--skip-download", "-o", "json"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert said.stdout.strip(), said.stderr
    results = json.loads(said.stdout)["results"]
    assert results["parsing_errors"] == []
    assert results["skipped_checks"] == []
    return {
        kind: [
            (one["check_id"], f"{one['file_path'].rpartition('/')[2]} {one['resource'].rpartition('.')[2]}")
            for one in results[f"{kind}_checks"]
        ]
        for kind in ("passed", "failed")
    }


def files(found: dict[str, list[tuple[str, str]]]) -> set[str]:
    """Return the files that checkov read."""
    return {resource.partition(" ")[0] for kind in found.values() for _, resource in kind}


@pytest.mark.timeout(240)
def test_every_finding_is_accepted_with_a_reason_and_every_acceptance_is_needed() -> None:
    """Every finding is accepted with a reason, and every accepted finding still exists."""
    found = scanned(FOLDER, "cloudformation")
    workflows = scanned(WORKFLOWS, "github_actions")
    accepted = [(one["check"], resource) for one in ACCEPTED for resource in one["resources"]]
    assert sorted(found["failed"] + workflows["failed"]) == sorted(accepted)
    assert {"audit.yml", "deploy.yml", "release.yml", "test.yml"} <= files(workflows)
    looked_at = files(found)
    assert {"edge.yaml", "permissions.yaml", "platform.yaml", "registry.yaml"} <= looked_at
    assert len(found["passed"]) > 50


def test_a_reason_is_a_sentence() -> None:
    """The reason of an accepted finding is a sentence."""
    assert [one["check"] for one in ACCEPTED if len(one["reason"]) < 40 or not one["reason"].endswith(".")] == []
