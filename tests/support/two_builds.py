"""Two builds of the page, as two versions of the service serve them, both behind the stand-in load balancer."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from standins.edge.server import Edge, EdgeSettings
from standins.edge.targets import EdgeTarget
from standins.serving import serving
from tests.support.agents import one_agent
from tests.support.edge_setting import TEMPLATE, WEB
from webrtc_agent import page
from webrtc_agent.headers import SecurityHeaders

_WORD = {"old": "This page talks with you", "new": "This page speaks with you"}
_HASHED = re.compile(r"[\w.-]+-[\w-]{8}\.(?:js|css)")


def another_build(folder: Path, target: Path, mark: str) -> Path:
    """Make another build, as if one word had changed: its file names have other hashes."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.br", "*.gz"))
    names = {
        path.name: f"{path.stem[:-8]}{mark}{path.stem[-7:]}{path.suffix}" for path in (target / "assets").iterdir()
    }
    for path in [*target.glob("*.html"), *(target / "assets").iterdir()]:
        text = path.read_text(encoding="utf-8")
        text = _HASHED.sub(lambda found: names.get(found[0], found[0]), text).replace(_WORD["old"], _WORD["new"])
        path.write_text(text, encoding="utf-8")
    for name, changed in names.items():
        (target / "assets" / name).rename(target / "assets" / changed)
    return target


def first_load(text: str) -> list[str]:
    """List what a browser fetches before the page works: its scripts, with their imports, and its styles."""
    return re.findall(r'(?:src|href)="(/(?:assets/|recover)[^"]+)"', text)


@dataclass
class Versions:
    """Two versions behind one load balancer."""

    edge: Edge
    addresses: dict[str, tuple[str, int]]
    folders: dict[str, Path]

    def target(self, version: str) -> EdgeTarget:
        """Return the process of a version."""
        host, port = self.addresses[version]
        return next(one for one in self.edge.targets(WEB) if one.address == f"{host}:{port}")

    def leaves(self, version: str) -> None:
        """Take a version out of service, as the end of a deployment or of a rollback does."""
        self.edge.deregister(WEB, self.target(version))


def _service(folder: Path) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders, daily=True)
    page.install(app, one_agent(), folder, console=True)

    @app.get("/health")
    async def health() -> str:
        return "healthy"

    @app.get("/status")
    async def status() -> dict[str, object]:
        return {"status": "ready", "transports": ["daily"]}

    return app


@asynccontextmanager
async def two_versions(folder: Path, built: Path = page.STATIC, *, hurry: float = 1.0) -> AsyncIterator[Versions]:
    """Serve a build and another one behind the load balancer of edge.yaml."""
    folders = {"old": built, "new": another_build(built, folder / "new", "Z")}
    async with (
        serving(_service(folders["old"]), host="127.0.0.1", port=0, pages=True) as old,
        serving(_service(folders["new"]), host="127.0.0.1", port=0, pages=True) as new,
    ):
        addresses = {"old": ("127.0.0.1", old), "new": ("127.0.0.1", new)}
        settings = EdgeSettings(TEMPLATE, {WEB: list(addresses.values())}, hurry=hurry)
        async with Edge(settings) as edge:
            yield Versions(edge, addresses, folders)
