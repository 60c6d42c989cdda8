"""Keeps installers' caches in the checkout, unless the machine sets another location."""

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
"""Variables and folders. An installer then works without a writable home directory."""

_SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"}
"""Behind a proxy that intercepts TLS, only the machine's own certificates are valid."""


def caches(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables for an installer that `environ` does not set."""
    ours = {name: str(CACHE / folder) for name, folder in _FOLDERS.items()}
    return {name: value for name, value in {**ours, **_SYSTEM_CERTIFICATES}.items() if not environ.get(name)}


def empty() -> None:
    """Delete the caches: a complete environment does not need them."""
    shutil.rmtree(CACHE, ignore_errors=True)
