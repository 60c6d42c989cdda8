"""The page in the distribution's Firefox, from the first click to the end, driven by Mozilla's own client."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tests.support.whole_product import Product
from tools.isolated_env import isolated
from tools.workspace import program

VISIT = Path(__file__).parent / "firefox" / "visit.py"
VISIT_SECONDS = 240.0

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_whole_conversation_in_firefox(product: Product, tmp_path: Path) -> None:
    """The greeting is audible, the typed question gets a reply with a card, and the visitor ends the visit."""
    before = len(_reasons(product))
    seen = _visit(product.state["base_url"], tmp_path)
    assert int(seen["browser"].partition(".")[0]) >= 128
    assert seen["energy"] > 0
    [asked] = seen["asked"]
    assert asked.endswith("what is the weather in Oslo")
    assert len(seen["answered"]) == len(set(seen["answered"])), seen["answered"]
    [card] = seen["cards"]
    assert "Oslo" in card
    assert seen["problems"] == []
    assert seen["ended"] == ["You ended the conversation."]
    await until(lambda: _reasons(product)[before:] == ["caller_hung_up"], 20)


def _visit(url: str, folder: Path) -> dict[str, Any]:
    """Make Firefox visit the page, in an environment without our variables."""
    firefox = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    python = program(isolated("client-firefox"), "python")
    if firefox is None:
        pytest.skip("this test needs Firefox: apt-get install firefox-esr, or set FIREFOX to the path of one")
    if not python.exists():
        pytest.skip("the driver of Firefox needs an isolated environment: `make isolated-tools` makes it")
    command = [str(python), "-W", "ignore", str(VISIT), firefox, url, "what is the weather in Oslo", "in Oslo"]
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TMPDIR": str(folder)}
    with (folder / "firefox.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=surroundings, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
        try:
            output, _ = process.communicate(timeout=VISIT_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
    assert process.returncode == 0, f"{output.decode()}\n{(folder / 'firefox.log').read_text()[-4000:]}"
    seen: dict[str, Any] = {}
    for line in output.decode().splitlines():
        if line.startswith("{"):
            seen |= json.loads(line)
    return seen


def _reasons(product: Product) -> list[str]:
    return [str(line["reason"]) for line in product.log("webrtc-agent") if line["event"] == "session_ended"]
