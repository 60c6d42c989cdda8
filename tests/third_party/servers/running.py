"""Start HTTP/2 servers that others wrote, and proxies in front of them; each is a process of its own."""

import asyncio
import base64
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme
from botocore.credentials import ReadOnlyCredentials
from smithy_aws_event_stream.events import EventMessage

from agent_core.nova.http2.client import Http2ModelClient
from tests.third_party.servers.behaviours import PAYLOAD
from tools.workspace import VENV, program

_NODE: Final = program(VENV, "node")
_SERVER: Final = Path(__file__).with_name("http2_server.mjs")
_START_SECONDS: Final = 20.0
_EVENT: Final = EventMessage(
    headers={":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"},
    payload=b'{"bytes":"%b","p":"abc"}' % base64.b64encode(PAYLOAD),
).encode()


class _Keys:
    """Fixed keys: these servers check no signature."""

    async def frozen(self) -> ReadOnlyCredentials:
        """Return them."""
        return ReadOnlyCredentials("AKIDEXAMPLE", "secret", "token")


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: Of HTTP/2.
        old_port: Of a server that speaks HTTP/1.1 only; 0 if there is none.
        authority: File of the authority that signed their certificate.
    """

    port: int
    old_port: int
    authority: Path

    def client(self, port: int) -> Http2ModelClient:
        """Return the product's client for one of the ports."""
        client = Http2ModelClient(region="us-east-1", endpoint=f"https://localhost:{port}", credentials=_Keys())  # type: ignore[arg-type]
        client.trust.load_verify_locations(self.authority)
        return client


@asynccontextmanager
async def _process(*command: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    try:
        yield process
    finally:
        # The program `node` may be a script that starts another process; that one ends with its input.
        process.stdin.close()
        if process.returncode is None and command[0] != _NODE:
            process.terminate()
        await asyncio.wait_for(process.wait(), _START_SECONDS)


def certify(folder: Path) -> tuple[Path, Path, Path]:
    """Write a key, a certificate for localhost behind its key, and the authority that signed it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    key, chain, ca = folder / "key.pem", folder / "chain.pem", folder / "ca.pem"
    certificate.private_key_pem.write_to_path(str(key))
    certificate.private_key_pem.write_to_path(str(chain))
    for one in certificate.cert_chain_pems:
        one.write_to_path(str(chain), append=True)
    authority.cert_pem.write_to_path(str(ca))
    return key, chain, ca


@asynccontextmanager
async def node(folder: Path, *options: str) -> AsyncIterator[Server]:
    """Run Node's server."""
    key, chain, ca = certify(folder)
    event = base64.b64encode(_EVENT).decode()
    async with _process(_NODE, _SERVER, key, chain, event, *options) as process:
        assert process.stdout is not None
        ports = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
        port, old_port = map(int, ports.split())
        yield Server(port, old_port, ca)


def proxy(name: str) -> str | None:
    """Return the path of a proxy, if this machine has it."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


@asynccontextmanager
async def behind(name: str, folder: Path, port: int) -> AsyncIterator[Server]:
    """Run a proxy in front of a server on this port, with what ``certify`` wrote."""
    command = {"nghttpx": _nghttpx, "haproxy": _haproxy}[name]
    free = _free_port()
    async with _process(*command(folder, free, port)):
        await _listening(free)
        yield Server(free, 0, folder / "ca.pem")


def _nghttpx(folder: Path, own: int, port: int) -> list[str | Path]:
    return [
        proxy("nghttpx") or "nghttpx",
        f"--frontend=127.0.0.1,{own}",
        f"--backend=127.0.0.1,{port};;proto=h2;tls;sni=localhost",
        "--insecure",
        "--workers=1",
        "--conf=/dev/null",
        "--errorlog-file=/dev/null",
        folder / "key.pem",
        folder / "chain.pem",
    ]


def _haproxy(folder: Path, own: int, port: int) -> list[str | Path]:
    file = folder / "haproxy.cfg"
    file.write_text(
        f"""
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend model
    bind 127.0.0.1:{own} ssl crt {folder / "chain.pem"} alpn h2
    default_backend node
backend node
    server node 127.0.0.1:{port} ssl verify none alpn h2 sni str(localhost)
"""
    )
    return [proxy("haproxy") or "haproxy", "-q", "-db", "-f", file]


def _free_port() -> int:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def _listening(port: int) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
