"""The folder ``.run`` of a running system: a lock against a second run, and a state file for other programs."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another run uses this folder."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Lock the folder; the operating system releases the lock however this program ends.

    Raises:
        AlreadyRunningError: Another program holds the lock.
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
    """Write the state file. Only its owner may read it, because it contains the stand-ins' credentials."""
    path, draft = folder / "run.json", folder / "run.json.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # The mode is set when the file is created, so the credentials are never readable for others.
    with os.fdopen(descriptor, "w") as file:
        json.dump({**state, "pids": dict(pids)}, file, indent=1)
    # A reader never sees half a file.
    draft.replace(path)
    return path


def left_behind(folder: Path) -> str:
    """Return which processes a killed run may have left; empty if the last run stopped in order."""
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
        return "an address that is not known yet"
