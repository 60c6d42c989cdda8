"""Fetch a Python 3.12 into the checkout, with uv; fetch uv first where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tools.caches import caches
from tools.find_python import FETCHED, Machine, find, uv_commands
from tools.workspace import PYTHON_VERSION, lock

if TYPE_CHECKING:
    from pathlib import Path

    from tools.progress import Progress

PATIENCE_SECONDS = 600
"""A Python is 30 MB; a slow line gets ten minutes."""


def fetch(progress: Progress) -> Path | None:
    """Fetch Python 3.12 with what is at hand.

    Returns:
        The interpreter, or None where neither pip nor uv could fetch it.
    """
    environ = {**os.environ, **caches(), "UV_PYTHON_INSTALL_DIR": str(FETCHED)}
    uv = next(uv_commands(Machine()), None) or _fetch_uv(progress)
    if uv is None:
        return None
    if not progress.run(
        f"fetch Python {PYTHON_VERSION}",
        [str(uv), "python", "install", "--no-bin", PYTHON_VERSION],
        environ=environ,
        patience=PATIENCE_SECONDS,
    ):
        return None
    return find().python


def _fetch_uv(progress: Progress) -> Path | None:
    """Install uv beside the checkout's own files; `--target` needs neither root nor an environment."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        return None
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--retries=2",
        "--require-hashes",
        "--target",
        str(FETCHED / "uv"),
    ]
    progress.run(
        "fetch uv",
        [*command, "-r", str(lock("installer"))],
        environ={**os.environ, **caches()},
        patience=PATIENCE_SECONDS,
    )
    return next(uv_commands(Machine()), None)
