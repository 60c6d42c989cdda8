"""tools/bootstrap.sh: what it installs, one sentence per failure, and no half-made environment."""

import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.support.made_checkout import MadeCheckout

OFFLINE = "npm error getaddrinfo ENOTFOUND registry.example"
BUILDERS = "uv installer build"
FRESH = ["pip installer", "venv", BUILDERS, "sync installer build run", "members", "page"]


@pytest.fixture
def checkout(tmp_path: Path) -> MadeCheckout:
    """Return a fresh checkout, on a machine with Python and pip only."""
    return MadeCheckout(tmp_path)


@pytest.fixture
def made(checkout: MadeCheckout) -> MadeCheckout:
    """Return a checkout with an environment."""
    assert checkout.bootstrap()[0] == 0
    assert checkout.calls() == FRESH
    return checkout


def test_an_environment_is_made_once_with_what_pip_brought(checkout: MadeCheckout) -> None:
    """The first run creates environment and page, and the second run starts no program."""
    code, said = checkout.bootstrap("--page=required")
    assert (code, "Ready after" in said) == (0, True)
    assert checkout.calls() == FRESH
    assert not (checkout.folder / ".cache").exists()
    assert not [*checkout.folder.rglob("cities500.json")]
    assert checkout.bootstrap("--page=required", PYTHON="/nowhere", PATH="/bin:/usr/bin") == (0, "")
    assert checkout.calls() == []


def test_a_change_is_noticed_where_it_matters(made: MadeCheckout) -> None:
    """Changed locks update the packages in place with the environment's uv, and other changes do nothing."""
    for file in ("requirements/run.txt", "requirements/build.txt", "standins/pyproject.toml"):
        made.change(file)
        assert made.bootstrap()[0] == 0
        assert made.calls() == FRESH[2:]
    for file in ("requirements/dev.txt", "requirements/phone-agent.txt"):
        made.change(file)
    assert made.bootstrap() == (0, "")
    assert made.calls() == []


def test_tests_bring_their_packages_and_keep_them(made: MadeCheckout) -> None:
    """`make test` adds its packages, and a later `make run` with other locks keeps them."""
    with_tests = [BUILDERS, "sync installer build dev", "members"]
    assert made.bootstrap("--tests")[0] == 0
    assert made.calls() == [*with_tests, "page build-and-checks"]
    made.change("requirements/run.txt")
    assert made.bootstrap()[0] == 0
    assert made.calls() == [*with_tests, "page"]
    assert made.bootstrap("--tests")[0] == 0
    assert made.calls() == []
    made.change("requirements/dev.txt")
    assert made.bootstrap("--tests")[0] == 0
    assert made.calls() == [*with_tests, "page build-and-checks"]


def _break_stamp(made: MadeCheckout) -> None:
    (made.folder / ".venv/made-from").write_text("")


def _lose_stamp(made: MadeCheckout) -> None:
    (made.folder / ".venv/made-from").unlink()


def _lose_python(made: MadeCheckout) -> None:
    (made.folder / ".venv/bin/python").unlink()
    (made.folder / ".venv/bin/python").symlink_to("/nowhere/python3.12")


def _want_another_python(made: MadeCheckout) -> None:
    (made.folder / ".python-version").write_text("3.13\n")


def test_what_is_half_made_or_without_its_python_is_made_anew(made: MadeCheckout) -> None:
    """A half-made environment, or one whose Python is gone, is created again."""
    for spoil in (_break_stamp, _lose_stamp, _lose_python, _want_another_python):
        spoil(made)
        assert made.bootstrap()[0] == 0
        assert made.calls() == FRESH[1:]


def test_a_checkout_that_moved_gets_a_new_environment(made: MadeCheckout, tmp_path: Path) -> None:
    """A moved checkout gets a new environment, because programs name their Python by its full path."""
    elsewhere = MadeCheckout(tmp_path / "elsewhere")
    shutil.rmtree(elsewhere.folder)
    shutil.copytree(made.folder, elsewhere.folder, symlinks=True)
    assert elsewhere.bootstrap()[0] == 0
    assert elsewhere.calls() == FRESH[1:]


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [("venv", "This needs Python 3.12."), ("sync", "The disk is full."), ("-e", "The environment could not be made.")],
)
def test_a_step_that_fails_says_why_and_leaves_no_stamp(checkout: MadeCheckout, failing: str, sentence: str) -> None:
    """A failed step reports its cause and leaves no stamp, so the next run starts again."""
    code, said = checkout.bootstrap(FAILING=failing, REASON="error: No space left on device (os error 28)")
    assert code == 1
    assert sentence in said
    assert "      The disk is full. See .venv.log for the complete output." in said.splitlines()
    assert "Ready" not in said
    assert not (checkout.folder / ".venv/made-from").exists()
    checkout.calls()
    assert checkout.bootstrap()[0] == 0
    assert "venv" in checkout.calls()


def test_a_page_that_cannot_be_built_is_no_ready(made: MadeCheckout) -> None:
    """If the page cannot be built, `make environment` fails, `make run` warns, and a call does not try."""
    shutil.rmtree(made.folder / made.environ["STATIC"])
    for argument, code in (("--page=required", 1), ("--page=wanted", 0)):
        ended, said = made.bootstrap(argument, NO_PAGE="yes", REASON=OFFLINE)
        assert ended == code
        assert "Cannot reach the npm registry." in said
        assert "The page is missing. Telephone calls work" in said
        assert "Ready" not in said
    assert made.bootstrap(NO_PAGE="yes") == (0, "")


def test_what_a_machine_lacks_is_named(tmp_path: Path) -> None:
    """A missing Python, or one without pip and venv, is reported; a uv replaces pip and venv."""
    bare = MadeCheckout(tmp_path / "bare", pip=False)
    (tmp_path / "few").mkdir()
    for program in ("dirname", "sed", "cat", "cksum"):
        (tmp_path / "few" / program).symlink_to(shutil.which(program) or "")
    script = bare.folder / "tools/bootstrap.sh"
    script.write_text(script.read_text().replace("/usr/bin/python3", "/nowhere/python3"))
    code, said = bare.bootstrap(PYTHON="/nowhere", PATH=str(tmp_path / "few"))
    assert (code, "apt install python3" in said) == (1, True)
    code, said = bare.bootstrap()
    assert (code, "Install python3-pip, python3-venv or uv" in said) == (1, True)
    assert bare.bootstrap("--test") == (2, "tools/bootstrap.sh: unknown argument --test; see the head of the script\n")
    with_uv = MadeCheckout(tmp_path / "with-uv", pip=False, uv=True)
    assert with_uv.bootstrap()[0] == 0
    assert with_uv.calls() == FRESH[1:]


def test_on_linux_and_arm_what_has_no_wheel_is_built_by_what_is_locked(checkout: MadeCheckout) -> None:
    """On Linux and ARM the locked build tools of pocketsphinx are installed first, and nowhere else."""
    uname = checkout.root / "bin/uname"
    uname.parent.mkdir()
    uname.write_text('#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo aarch64\n')
    uname.chmod(0o755)
    assert checkout.bootstrap()[0] == 0
    assert checkout.calls()[2:4] == [f"{BUILDERS} recogniser", "sync installer build recogniser run"]


def _gated(checkout: MadeCheckout) -> dict[str, str]:
    """Make uv wait at its first call until the gate opens."""
    gate = checkout.root / "gate"
    os.mkfifo(gate)
    os.mkfifo(f"{gate}.open")
    return {"GATE": str(gate)}


def _let_through(gate: dict[str, str]) -> None:
    """Open the gate for this call and later ones."""
    Path(gate["GATE"]).unlink()
    Path(f"{gate['GATE']}.open").write_text("\n")


def test_two_at_once_make_one_environment(checkout: MadeCheckout) -> None:
    """Of two runs at once the second waits for the first, and then has nothing to do."""
    gate = _gated(checkout)
    first = checkout.start(**gate)
    assert Path(gate["GATE"]).read_text() == "waits\n"
    (checkout.root / "first-uv").write_text("")  # a later call of uv fails
    with first, checkout.start() as second:
        assert second.stdout is not None
        assert "Another process makes .venv" in second.stdout.readline()
        _let_through(gate)
        first.communicate(timeout=60)
        assert (first.returncode, second.wait(60)) == (0, 0)
    assert checkout.calls() == FRESH


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_all_that_it_started(checkout: MadeCheckout, number: signal.Signals) -> None:
    """A signal ends the run with every process that it started, so that none writes to the next environment."""
    gate = _gated(checkout)
    process = checkout.start(**gate)
    assert Path(gate["GATE"]).read_text() == "waits\n"
    (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("\n  Stopped. The next run starts over.\n")
    assert not (checkout.folder / ".venv/made-from").exists()
    with (checkout.folder / ".venv.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits for each process that inherited it
