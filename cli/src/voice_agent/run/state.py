"""The folder ``.run`` of a running system: a lock against a second one, and a file that tells others what runs."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another one runs in this folder."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder; the operating system lets go of it however this program ends.

    Raises:
        AlreadyRunningError: Another program holds it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            message = f"already running here, at {_known_url(folder)}; stop it with Ctrl-C where it was started"
            raise AlreadyRunningError(message) from None
        yield


def write_state(folder: Path, state: Mapping[str, object], pids: Mapping[str, int]) -> Path:
    """Tell others what runs. The file holds the stand-ins' credentials: only its owner may read it."""
    path, draft = folder / "run.json", folder / "run.json.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({**state, "pids": dict(pids)}, file, indent=1)
    draft.replace(path)
    return path


def left_behind(folder: Path) -> str:
    """Say which processes a run that was killed may have left; empty if the last one ended as it should."""
    try:
        pids = json.loads((folder / "run.json").read_text())["pids"]
    except (OSError, ValueError, KeyError):
        return ""
    return (
        f"an earlier run was killed and may have left its processes: {', '.join(f'{k} {v}' for k, v in pids.items())}"
    )


def _known_url(folder: Path) -> str:
    try:
        return str(json.loads((folder / "run.json").read_text())["base_url"])
    except (OSError, ValueError, KeyError):
        return "an address it has not told yet"
