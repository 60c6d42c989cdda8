"""The workflows on GitHub: they run existing commands, use immutable actions, and release nothing untested."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.workspace import ROOT, members

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEST_WORKFLOW = ROOT / ".github/workflows/test.yml"
MAKEFILE = (ROOT / "Makefile").read_text()


def read(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML reads its key `on` as true."""
    body: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in body.items()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Return a workflow's jobs."""
    found: dict[str, dict[str, Any]] = read(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Return every step of a workflow."""
    for job in jobs(path).values():
        yield from job.get("steps", [])


def commands(job: dict[str, Any]) -> list[str]:
    """Return what a job runs, in order."""
    return [step["run"] for step in job["steps"] if "run" in step]


def uses(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """Return the steps of a job that use an action."""
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]


def named(path: Path) -> str:
    """Return a workflow's name for a test's ID."""
    return path.stem


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_what_is_run_is_there(path: Path) -> None:
    """Workflows run only existing targets and scripts."""
    targets = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    for command in (step["run"] for step in steps(path) if "run" in step):
        program, *arguments = command.split()
        if program == "make":
            assert arguments[0] in targets
        else:
            assert (ROOT / program).is_file()


def test_release_hands_over_what_the_makefile_reads() -> None:
    """The release passes only variables that the Makefile reads, or it could release to the wrong place."""
    (job,) = jobs(ROOT / ".github/workflows/release.yml").values()
    recipe = MAKEFILE[MAKEFILE.index("\ndeploy: ") : MAKEFILE.index("\ndestroy: ")]
    assert [name for name in [*job["env"], "YES"] if f"$${{{name}:+" not in recipe] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_what_is_used_cannot_change(path: Path) -> None:
    """Actions are pinned to a commit, because a tag can move to code that would get the role."""
    used = re.findall(r"uses: (\S+)(?: +# (\S+))?", path.read_text())
    for action, version in used:
        if action.startswith("./"):
            assert (ROOT / action).is_file()
        else:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+(/[\w.-]+)*@[0-9a-f]{40}", action)
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_rights_are_as_few_as_can_be(path: Path) -> None:
    """Only jobs that release may assume a role, and a pull request from a fork gets no permission."""
    workflow = read(path)
    may = {name for job in [workflow, *jobs(path).values()] for name in job.get("permissions", {}).items()}
    assert workflow["permissions"]["contents"] == "read"
    assert may <= {("contents", "read"), ("id-token", "write"), ("security-events", "write")}
    assert (("security-events", "write") in may) == (path.stem == "codeql")
    assert (("id-token", "write") in may) == (path.stem in {"release", "deploy"})
    assert "pull_request_target" not in path.read_text()
    assert "secrets." not in path.read_text()


def test_nothing_is_released_untested_and_production_comes_last() -> None:
    """Each environment waits for the tests and for the previous one, and production is last."""
    found = jobs(ROOT / ".github/workflows/deploy.yml")
    assert found["test"]["uses"] == "./.github/workflows/test.yml"
    tested = jobs(TEST_WORKFLOW)
    assert {name: commands(job) for name, job in tested.items()} == {
        "lint": ["make lint"],
        "test": ["make page", ".ci/run"],  # a restored .venv comes without the page
    }
    assert [key for job in tested.values() for key in job if key in {"if", "continue-on-error"}] == []
    releases = {name: job for name, job in found.items() if name != "test"}
    assert [job["with"]["environment"] for job in releases.values()] == ["test", "staging", "production"]
    for place, (name, job) in enumerate(releases.items()):
        before = ["test", *list(releases)[:place]]
        needs = [job["needs"]] if isinstance(job["needs"], str) else job["needs"]
        assert needs == before, name
        assert "needs.test.result == 'success'" in job["if"]
        assert all(f"needs.{earlier}.result != 'failure'" in job["if"] for earlier in before[1:])


def test_a_cache_is_of_one_job_and_of_the_locks_as_they_are() -> None:
    """A cache belongs to one job and to the current locks."""
    keys = set()
    for job in jobs(TEST_WORKFLOW).values():
        (cache,) = (step["with"] for step in uses(job, "actions/cache"))
        assert cache["path"].split() == [".venv", "services/webrtc-agent/client/node_modules"]
        hashed = re.findall(r"'([^']+)'", cache["key"])
        assert hashed == ["requirements/*.txt", "services/webrtc-agent/client/package-lock.json", ".python-version"]
        assert all(list(ROOT.glob(pattern)) for pattern in hashed)
        assert set(cache) == {"path", "key"}
        keys.add(cache["key"])
    assert len(keys) == len(jobs(TEST_WORKFLOW))
    (nightly,) = uses(jobs(ROOT / ".github/workflows/audit.yml")["audit"], "actions/cache")
    assert nightly["with"]["key"] not in keys  # its environment lacks the packages of the tests


def test_reports_are_kept_also_when_a_test_fails() -> None:
    """Reports are uploaded also when a test fails, so that a failure need not be repeated."""
    (upload,) = uses(jobs(TEST_WORKFLOW)["test"], "actions/upload-artifact")
    assert upload["if"] == "always()"
    assert upload["with"]["path"] == ".run/reports/"
    assert upload["with"]["include-hidden-files"] is True


def test_every_environment_can_be_released_to() -> None:
    """Every environment that the templates allow can be selected for a release."""
    offered = read(ROOT / ".github/workflows/deploy.yml")["on"]["workflow_dispatch"]["inputs"]["environment"]["options"]
    assert sorted(offered) == sorted(path.stem for path in (ROOT / "infra/environments").glob("*.parameters"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_no_input_is_read_by_a_shell(path: Path) -> None:
    """The input of a form reaches a command only through the environment, never through the shell's text."""
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_nothing_hangs_for_six_hours(path: Path) -> None:
    """Each job has a time limit, which is shorter than GitHub's six hours."""
    for name, job in jobs(path).items():
        assert "uses" in job or 0 < job["timeout-minutes"] <= 120, name


def test_what_is_pinned_is_compared_with_advisories_every_night() -> None:
    """Every night the pinned packages are compared with advisories, also without a push."""
    workflow = read(ROOT / ".github/workflows/audit.yml")
    (when,) = workflow["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", when["cron"])
    assert commands(workflow["jobs"]["audit"]) == ["make audit"]


def updates() -> dict[str, dict[str, Any]]:
    """Return Dependabot's configuration by the kind of package."""
    config = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    assert set(config) == {"version", "updates"}  # no registries: the locks name no package host
    return {one["package-ecosystem"]: one for one in config["updates"]}


def folders(ecosystem: str) -> set[str]:
    """Return the folders that Dependabot checks."""
    one = updates()[ecosystem]
    return {folder.strip("/") for folder in one.get("directories", [one.get("directory")])}


def test_every_place_with_packages_is_looked_at_for_newer_ones() -> None:
    """Dependabot checks every folder with packages."""
    assert folders("pip") == {"", *members()}
    images = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("[a-z]*/**/Dockerfile")}
    assert folders("docker") == images
    assert (ROOT / next(iter(folders("npm"))) / "package-lock.json").is_file()
    assert folders("github-actions") == {""}


def test_newer_packages_come_through_the_locks_alone() -> None:
    """Newer Python packages come through `make lock` only, because a bot would omit hashes."""
    assert not any(folder.startswith("requirements") for folder in folders("pip"))
    assert updates()["pip"]["allow"] == [{"dependency-type": "direct"}]
    assert "omit-lockfile-registry-resolved=true" in (ROOT / "services/webrtc-agent/client/.npmrc").read_text()
    (ignored,) = updates()["docker"]["ignore"]
    assert ignored["dependency-name"] == "python"
    assert "version-update:semver-minor" in ignored["update-types"]


def test_code_is_scanned_in_every_language_of_the_repository() -> None:
    """Code is scanned in every language, also weekly with new queries, and only the results are written."""
    workflow = read(ROOT / ".github/workflows/codeql.yml")
    assert {"pull_request", "push", "schedule"} <= set(workflow["on"])
    (job,) = workflow["jobs"].values()
    assert set(job["strategy"]["matrix"]["language"]) == {"python", "javascript-typescript", "actions"}
    assert job["permissions"] == {"contents": "read", "security-events": "write"}
    (init,), (analyze,) = uses(job, "github/codeql-action/init"), uses(job, "github/codeql-action/analyze")
    assert init["uses"].partition("@")[2] == analyze["uses"].partition("@")[2]


def test_a_commit_is_checked_as_make_lint_checks() -> None:
    """A commit hook runs each line of `make lint` from .venv and downloads nothing."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    recipe = MAKEFILE[MAKEFILE.index("\nlint: ") : MAKEFILE.index("\nformat: ")]
    linted = [line.strip().replace("@$(BIN)", ".venv/bin") for line in recipe.splitlines() if "@$(BIN)" in line]
    assert [hook["entry"].replace(" --force-exclude", "") for hook in hooks] == linted


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=named)
def test_an_issue_form_is_one_that_github_shows(path: Path) -> None:
    """An issue form is valid for GitHub: unique field IDs, a name and a description."""
    form = yaml.safe_load(path.read_text())
    if path.stem == "config":
        assert form == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["type"] in {"textarea", "input", "dropdown"} and field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
