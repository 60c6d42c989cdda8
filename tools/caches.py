"""Keep what installers cache inside the checkout, unless the machine names another place."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tools.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE = ROOT / ".cache"

_FOLDERS = {
    "UV_CACHE_DIR": "uv",
    "PIP_CACHE_DIR": "pip",
    "npm_config_cache": "npm",
    "MPLCONFIGDIR": "matplotlib",
    "PLAYWRIGHT_BROWSERS_PATH": "playwright",
    "XDG_CACHE_HOME": "other",
}
"""Variable and folder. A home that is missing, read-only or another user's is then no hindrance."""

_SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"}
"""Behind a proxy that opens TLS, the machine's own certificates are the ones that fit."""


def caches(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables for an installer that `environ` does not set."""
    ours = {name: str(CACHE / folder) for name, folder in _FOLDERS.items()}
    return {name: value for name, value in {**ours, **_SYSTEM_CERTIFICATES}.items() if not environ.get(name)}


def empty() -> None:
    """Remove what was cached: an environment that is whole needs none of it."""
    shutil.rmtree(CACHE, ignore_errors=True)
