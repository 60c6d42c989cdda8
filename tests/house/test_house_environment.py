"""The environment's note: what it was made from, and that a half-made one is never taken for a good one."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools.environment import Environment
from tools.one_at_a_time import one_at_a_time
from tools.progress import Progress
from tools.workspace import ROOT, made_from, members, program


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of all that an environment is made from."""
    for name in (".python-version", "pyproject.toml", *(f"{member}/pyproject.toml" for member in members())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Give a whole environment, as far as its note and its Python tell."""
    folder = tmp_path / ".venv"
    python = program(folder, "python")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (folder / "made-from.json").write_text(json.dumps(made_from()))
    return Environment(folder)


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("requirements/run.txt", ["packages"]),
        ("requirements/dev.txt", ["tests"]),
        ("requirements/build.txt", ["packages"]),
        (".python-version", ["packages"]),
        ("standins/pyproject.toml", ["members"]),
        ("requirements/phone-agent.txt", []),
    ],
)
def test_a_change_is_noticed_where_it_matters(checkout: Path, file: str, changed: list[str]) -> None:
    """A package of a run rebuilds everything, one for tests or of ours only its part, and a production set nothing."""
    before = made_from(checkout)
    with (checkout / file).open("a") as text:
        text.write("\n# changed\n")
    after = made_from(checkout)
    assert [part for part in before if before[part] != after[part]] == changed


def test_a_checkout_that_moved_needs_a_new_environment(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Programs in an environment name their Python by its whole path."""
    moved = tmp_path_factory.mktemp("elsewhere") / "checkout"
    shutil.copytree(checkout, moved)
    assert made_from(moved)["packages"] != made_from(checkout)["packages"]


@pytest.mark.parametrize("left", ["", "{", "[]", json.dumps({"packages": "other"}), None])
def test_an_environment_is_current_with_its_note_alone(environment: Environment, left: str | None) -> None:
    """A second make costs nothing; a note that is broken, old or missing says that the installation was cut short."""
    assert environment.is_current()
    note = environment.folder / "made-from.json"
    note.unlink()
    if left is not None:
        note.write_text(left)
    assert not environment.is_current()
    assert not environment.has_packages()


def test_an_environment_whose_python_is_gone_is_not_current(environment: Environment) -> None:
    """Somebody removed the Python it was made with."""
    python = program(environment.folder, "python")
    python.unlink()
    python.symlink_to("/nowhere/python3.12")
    assert not environment.is_current()


def test_a_failed_making_leaves_no_note(environment: Environment, tmp_path: Path) -> None:
    """An installer that fails half-way must not leave the old environment's good name behind."""
    said = io.StringIO()
    assert not environment.make(Path("/bin/false"), Progress(tmp_path / "log", said))
    assert not environment.is_current()
    assert "✗ virtual environment" in said.getvalue()


def test_a_step_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Installers start installers: none of them may outlive its step."""
    alive, child = os.pipe()
    hang = f"import os, subprocess, sys; subprocess.Popen(['sleep', '60'], pass_fds=[{child}]).wait()"
    os.set_inheritable(child, True)  # noqa: FBT003 - the signature of os
    progress = Progress(tmp_path / "log", io.StringIO())
    code = f"import os; os.set_inheritable({child}, True); {hang}"
    assert not progress.run("hang", ["/bin/sh", "-c", f'{sys.executable} -c "{code}"'], patience=1)
    os.close(child)
    with os.fdopen(alive) as pipe:
        assert pipe.read() == ""  # the end of the pipe: nobody holds its other side


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    """Two makes at once make one environment; one that hangs does not hang every other one."""
    lock, waiting, entered = tmp_path / "lock", threading.Event(), threading.Event()

    def second() -> None:
        with one_at_a_time(lock, waiting.set, patience=20):
            entered.set()

    thread = threading.Thread(target=second)
    with one_at_a_time(lock, lambda: None):
        thread.start()
        assert waiting.wait(10)
        assert not entered.is_set()
        with pytest.raises(TimeoutError, match="another process"), one_at_a_time(lock, lambda: None, patience=0.1):
            pass
    thread.join(10)
    assert entered.is_set()


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="the script is for machines with make")
def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    """No traceback and no silence, but a few lines."""
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    script = (ROOT / "tools/bootstrap.sh").read_text().replace("/usr/bin/python3", "/nowhere/python3")
    (tmp_path / "bootstrap.sh").write_text(script)
    done = subprocess.run(
        ["/bin/sh", tmp_path / "bootstrap.sh"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "apt install" in done.stderr
