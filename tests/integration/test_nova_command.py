"""`python -m standins.nova` as a process: its output, its addresses and its exit."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest


async def start(*options: str) -> asyncio.subprocess.Process:
    """Run the command with the language model that loads instantly."""
    command = (sys.executable, "-m", "standins.nova", "--backend", "tones", "--control-port", "0", *options)
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


async def lines(process: asyncio.subprocess.Process, count: int) -> list[dict[str, str]]:
    """Read events from stdout."""
    assert process.stdout is not None
    return [json.loads(await asyncio.wait_for(process.stdout.readline(), 120)) for _ in range(count)]


def check_files(ca_file: str, bundle_file: str) -> None:
    """Check that the bundle holds the CA certificate and that only its owner can read its key."""
    authority = Path(ca_file)
    assert "-----BEGIN CERTIFICATE-----" in authority.read_text()
    assert authority.read_text() in Path(bundle_file).read_text()
    assert authority.with_name("ca-key.pem").stat().st_mode & 0o077 == 0


async def test_it_says_what_it_is_and_where(tmp_path: Path) -> None:
    """The command prints a banner, addresses and files that exist, and exits cleanly on SIGTERM."""
    process = await start("--port", "0", "--certs", str(tmp_path))
    try:
        banner, listening = await lines(process, 2)
        assert "Not real: the understanding" in banner["about"]
        assert listening["event"] == "listening"
        check_files(listening["ca_file"], listening["bundle_file"])
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{listening['control']}/health")).json()["standin"] == "nova"
    finally:
        process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_the_authority_outlives_a_restart(tmp_path: Path) -> None:
    """The CA survives a restart, so clients that trust it still trust it."""
    seen = set()
    for _ in range(2):
        process = await start("--port", "0", "--certs", str(tmp_path))
        await lines(process, 2)
        seen.add((tmp_path / "ca.pem").read_bytes())
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)
    assert len(seen) == 1


async def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    """A port in use causes one event with the reason and exit code 1, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await start("--port", str(taken.getsockname()[1]), "--certs", str(tmp_path))
        (event,) = await lines(process, 1)
        assert event["event"] == "cannot_listen"
        assert await asyncio.wait_for(process.wait(), 60) == 1


@pytest.mark.parametrize("limit", ["history_mesages=40", "history_messages=many", "idle"])
async def test_a_limit_with_a_slip_is_refused(limit: str) -> None:
    """The command rejects a misspelt limit instead of ignoring it."""
    process = await start("--limit", limit)
    assert await asyncio.wait_for(process.wait(), 60) == 2
