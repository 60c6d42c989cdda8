"""The README's first calls, typed as they stand there; and the product without the packages of the tests."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.whole_product import COMMAND, Product, running
from tools.lock import left_out
from tools.locked import normal, read
from tools.workspace import ROOT, lock

README = (ROOT / "README.md").read_text(encoding="utf-8")
_LABEL = re.compile(r"^ +\d+\.\d\d  (\S.{10}) ", re.MULTILINE)

# Loads every module there is while only the packages of `make run` can be found.
_LOAD = """
import importlib, importlib.abc, importlib.metadata, pkgutil, re, sys
absent = set(sys.argv[1].split())

class Refusal(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"make run lacks {name}", name=name)

brought = importlib.metadata.packages_distributions()
plain = {name: {re.sub("[-_.]+", "-", one).lower() for one in by} for name, by in brought.items()}
absent = {name for name, by in plain.items() if by <= absent}
assert "numba" in absent and "httpx" not in absent
sys.meta_path.insert(0, Refusal())
for package in sys.argv[2:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Everything, started once for all calls here."""
    with running(tmp_path_factory.mktemp("product")) as product:
        yield product


def call(product: Product, command: str) -> str:
    """Type a `make call` of the README where the product runs; its variables reach the command as make passes them."""
    given = dict(word.split("=", 1) for word in shlex.split(command, comments=True)[2:])
    given |= {"WAV": str(ROOT / given["WAV"])} if "WAV" in given else {}
    done = subprocess.run(
        [*COMMAND, "call"],
        cwd=product.folder,
        env=os.environ | given | {"COLUMNS": "120", "LATE": "60s"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shape(text: str) -> tuple[list[str], list[str]]:
    """Take the rows' labels and the lines below the rows, without figures, which differ from call to call."""
    rows = sorted(label.strip() for label in _LABEL.findall(text))
    below = [line for line in text.strip().splitlines() if not line.startswith(" ")]
    return rows, [re.sub(r"\d+(?:\.\d+)?", "0", line) for line in below]


def test_the_sample_is_what_a_call_prints(product: Product) -> None:
    """The rows and the last lines."""
    (sample,) = (block for block in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if "TwiML" in block)
    (command,) = re.findall(r'^make call SAY="what is the weather in Stockholm"', README, re.MULTILINE)
    assert shape(call(product, command)) == shape(sample)


@pytest.mark.parametrize("variable", ["WAV=", "DTMF="])
def test_a_call_of_the_readme_succeeds(product: Product, variable: str) -> None:
    """With the file that it names, and with a key."""
    command = next(line for line in README.splitlines() if line.startswith(f"make call {variable}"))
    assert "0.00  ring" in call(product, command)


def test_run_call_and_deploy_need_none_of_the_tests_packages() -> None:
    """No module, wherever it is loaded from, asks for what only requirements/dev.txt brings."""
    ours = {normal(one.name) for name in ("run", "build", "installer") for one in read(lock(name))}
    absent = ({normal(one.name) for one in read(lock("dev"))} - ours) | set(left_out("run"))
    packages = ("agent_core", "phone_agent", "webrtc_agent", "standins", "deployment")
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, " ".join(sorted(absent)), *packages],
        env={**os.environ, "PYTHONWARNINGS": "ignore", "LOGURU_AUTOINIT": "False"},
        cwd=Path("/"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
