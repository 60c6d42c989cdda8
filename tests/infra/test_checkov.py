"""What checkov finds in the templates is either mended or accepted with a reason."""

import json
import os
import subprocess
import tomllib

import pytest

from tests.support.templates import FOLDER
from tools.apart import apart
from tools.workspace import ROOT, program

ACCEPTED = tomllib.loads((ROOT / "infra/accepted-findings.toml").read_text())["finding"]
pytestmark = pytest.mark.thorough  # it has an environment of its own

CHECKOV = program(apart("checkov"), "checkov")


def scanned() -> dict[str, list[tuple[str, str]]]:
    """Scan the templates: checks and resources by passed and failed."""
    if not CHECKOV.exists() and os.environ.get("CHECKOV") != "required":
        pytest.skip("checkov has an environment of its own: `make apart` makes it, and `make test` does")
    command = [str(CHECKOV), "-d", str(FOLDER), "--framework", "cloudformation", "--skip-download", "-o", "json"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert said.stdout.strip(), said.stderr
    results = json.loads(said.stdout)["results"]
    assert results["parsing_errors"] == []
    assert results["skipped_checks"] == []
    return {
        kind: [
            (one["check_id"], f"{one['file_path'].lstrip('/')} {one['resource'].rpartition('.')[2]}")
            for one in results[f"{kind}_checks"]
        ]
        for kind in ("passed", "failed")
    }


@pytest.mark.timeout(120)
def test_every_finding_is_accepted_with_a_reason_and_every_acceptance_is_needed() -> None:
    """Nothing is overlooked silently, and the list does not outlive what it is about."""
    found = scanned()
    accepted = [(one["check"], resource) for one in ACCEPTED for resource in one["resources"]]
    assert sorted(found["failed"]) == sorted(accepted)
    looked_at = {resource.partition(" ")[0] for kind in found.values() for _, resource in kind}
    assert {"edge.yaml", "permissions.yaml", "platform.yaml", "registry.yaml"} <= looked_at
    assert len(found["passed"]) > 50


def test_a_reason_is_a_sentence() -> None:
    """An acceptance without one is a finding that nobody dares to look at again."""
    assert [one["check"] for one in ACCEPTED if len(one["reason"]) < 40 or not one["reason"].endswith(".")] == []
