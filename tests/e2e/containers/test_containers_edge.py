"""nginx with the rendered configuration and the load balancer's stand-in treat every request alike."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from standins.edge.server import Edge, EdgeSettings
from tests.support.containers import Engine
from tests.support.edge_setting import PHONE, TEMPLATE, WEB, answered, get, talk
from tests.support.edge_targets import TellingApp
from tools.render_edge import NginxTarget, render
from voice_agent.run.ports import free_port

type Change = Callable[[str], str]

BASES = ("/incoming-call", "/media-stream", "/", "/start", "/api/offer", "/incoming-call/lost", "/ready")
CHANGES: tuple[Change, ...] = (
    str.upper,
    str.title,
    lambda path: path + "/",
    lambda path: path + "?x=/incoming-call&y=%2F",
    lambda path: path + "?",
    lambda path: "/" + path,
    lambda path: path.replace("-", "%2D"),
    lambda path: path.replace("/", "//"),
    lambda path: path.replace("/", "/./"),
    lambda path: path[:-1] or "/",
    lambda path: path + "-more",
    lambda path: "/x" + path,
    lambda path: path + "%20%c3%a9;v=1",
    lambda path: path + "/../" + path.lstrip("/"),
    lambda path: path + ".",
    lambda path: path + "#part",
    lambda path: path + "%2",
    lambda path: path + "%00",
)


def mutations(count: int, seed: int) -> list[str]:
    """Make unusual request targets out of usual ones, each once."""
    chance = random.Random(seed)  # noqa: S311 - has to be repeatable
    made: dict[str, None] = {}
    while len(made) < count:
        path = chance.choice(BASES)
        for _ in range(chance.randrange(5)):
            path = chance.choice(CHANGES)(path)
        made[path] = None
    return list(made)


def is_path(target: str) -> bool:
    """Return whether a target can be decoded and stays below the root.

    nginx rejects any other: it decodes before anything else, while the load balancer reads the bytes.
    """
    path = target.partition("?")[0].partition("#")[0]
    if re.search(r"%(?![0-9a-fA-F]{2})|%00", path):
        return False
    depth = 0
    for part in path.split("/")[1:]:
        depth += {"..": -1, ".": 0}.get(part, 1)
        if depth < 0:
            return False
    return True


@dataclass
class Two:
    """nginx and the load balancer, in front of the same services."""

    nginx: int
    edge: int

    async def answers(self, raw: bytes) -> tuple[bytes, bytes]:
        """Send both the same bytes, and return their responses."""
        first, second = await asyncio.gather(talk(self.nginx, raw), talk(self.edge, raw))
        return first, second


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """Start both, with processes of this test behind them."""
    phone, web = TellingApp("phone"), TellingApp("web")
    async with phone.serving() as at_phone, web.serving() as at_web:
        targets = {PHONE: [at_phone], WEB: [at_web]}
        async with Edge(EdgeSettings(TEMPLATE, targets)) as edge:
            groups = {name: f"{host}:{port}" for name, [(host, port)] in targets.items()}
            port = free_port()
            file = tmp_path_factory.mktemp("nginx") / "nginx.conf"
            file.write_text(render(TEMPLATE, NginxTarget(port, groups)))
            with _nginx(engine, file):
                await _answers(port)
                yield Two(port, edge.port)


@contextmanager
def _nginx(engine: Engine, file: Path) -> Iterator[None]:
    file.chmod(0o644)
    file.parent.chmod(0o755)
    file.parent.parent.chmod(0o755)
    mount = f"type=bind,source={file},target=/etc/nginx/nginx.conf,readonly"
    with engine.running("--network", "host", "--read-only", "--tmpfs", "/tmp", "--mount", mount, "voice-agent/edge"):  # noqa: S108 - in the container
        yield


async def _answers(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await talk(port, get("/health"))
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return


def status(raw: bytes) -> int:
    """Read the status of a response."""
    return int(raw.split(b" ", 2)[1])


@pytest.mark.asyncio(loop_scope="module")
async def test_hundreds_of_odd_paths_reach_the_same_service_unchanged(two: Two) -> None:
    """Hundreds of unusual paths reach the same service unchanged; nginx rejects what it cannot decode."""
    differing: dict[str, object] = {}
    targets = mutations(400, seed=11)
    for target in targets:
        nginx, edge = await two.answers(get(target))
        if not is_path(target):
            if status(nginx) != 400:
                differing[target] = (status(nginx), status(edge))
            continue
        replies = [(status(raw), *_seen(raw)) for raw in (nginx, edge)]
        if replies[0] != replies[1]:
            differing[target] = replies
    assert differing == {}
    assert sum(map(is_path, targets)) > 250


def _seen(raw: bytes) -> tuple[object, ...]:
    """Return which service answered and the path that it got."""
    body = raw.partition(b"\r\n\r\n")[2]
    if body == b"ok":
        return ("health",)
    parsed = answered(raw)
    return parsed["service"], parsed["path"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_service_sees_the_same_headers(two: Two) -> None:
    """Both append the true address to the client's forged one, and overwrite its port and scheme."""
    raw = get(
        "/start",
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 443",
        "X_Forwarded_For: 6.6.6.6",
        "X-Amzn-Trace-Id: Root=1-00000000-000000000000000000000001",
        "Keep-Alive: timeout=5",
    )
    nginx, edge = [dict(answered(answer)["headers"]) for answer in await two.answers(raw)]
    for headers, port in ((nginx, two.nginx), (edge, two.edge)):
        assert headers.pop("x-forwarded-port") == str(port)
        trace = headers.pop("x-amzn-trace-id")
        assert re.fullmatch(r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-0{8}-0{23}1", trace), trace
    assert nginx == edge
    assert nginx["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_socket_passes_both(two: Two) -> None:
    """Both upgrade a call's WebSocket and forward its messages."""
    for port in (two.nginx, two.edge):
        async with asyncio.timeout(20), connect(f"ws://127.0.0.1:{port}/media-stream", proxy=None) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
