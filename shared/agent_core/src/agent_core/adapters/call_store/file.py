"""Keeps entries as files in a folder: for a laptop, where every task sees the same disk.

Each change is made under a lock of the whole folder and by renaming, so that a process may be killed at any time.
The names of entries are plain strings, for a `Path` interns each part of its name: Python 3.12 never frees those, and
each call has a name of its own.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from struct import Struct, error
from typing import Final

from agent_core.adapters.call_store.shelf import Entry, ShelfFault

_HEAD: Final = Struct(">Qd")
"""Version and expiry, before the sealed bytes."""
_SWEEP_SECONDS: Final = 600.0
"""How often files that have expired are looked for, beside once at the start."""
_SUFFIX: Final = ".entry"


class FileShelf:
    """A folder of entries.

    Args:
        folder: Made if it is not there; only its owner may look into it.
        clock: Unix seconds.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._swept_at: float | None = None
        # Its own thread: a disk that hangs must hold up nobody else.
        self._thread = ThreadPoolExecutor(1, "call-files")

    async def get(self, key: str) -> Entry | None:
        """Give what lies under a key, unless it has expired or was deleted."""
        entry = await self._off_loop(lambda: self._read(self._path(key)))
        return None if entry is None or entry.is_tombstone else entry

    async def put(self, key: str, entry: Entry) -> bool:
        """Replace what lies under a key; False if that has a higher version."""
        return await self._off_loop(lambda: self._put_unless_newer(self._path(key), entry, entry.version))

    async def put_first(self, key: str, expires_at: float) -> bool:
        """Mark a key; False if there is something under it already."""
        return await self._off_loop(lambda: self._put_first(self._path(key), expires_at))

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Remove what lies under a key, and refuse what is put there until then; False if that has a higher version."""
        return await self._off_loop(lambda: self._put_unless_newer(self._path(key), Entry.tombstone(until), version))

    async def aclose(self) -> None:
        """Wait for nothing: what is being written is written by its thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _off_loop[T](self, work: Callable[[], T]) -> T:
        def swept() -> T:
            self._sweep_if_due()
            return work()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, swept)
        except (OSError, RuntimeError) as problem:  # the second: it is closed
            raise ShelfFault(type(problem).__name__) from None

    def _path(self, key: str) -> str:
        return f"{self._folder}{os.sep}{sha256(key.encode()).hexdigest()}{_SUFFIX}"

    def _put_unless_newer(self, path: str, entry: Entry, version: int) -> bool:
        with self._locked():
            there = self._read(path)
            if there is not None and there.version > version:
                return False
            self._write(path, entry)
            return True

    def _put_first(self, path: str, expires_at: float) -> bool:
        with self._locked():
            if self._read(path) is not None:
                return False
            self._write(path, Entry(b"", 0, expires_at))
            return True

    def _read(self, path: str) -> Entry | None:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a name of its own, see above
                content = file.read()
        except FileNotFoundError:
            return None
        try:
            version, expires_at = _HEAD.unpack_from(content)
        except error:
            return None  # a file that was cut off is replaced by the next one
        if expires_at <= self._clock():
            return None
        return Entry(content[_HEAD.size :], version, expires_at)

    def _write(self, path: str, entry: Entry) -> None:
        draft = f"{path.removesuffix(_SUFFIX)}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_HEAD.pack(entry.version, entry.expires_at) + entry.sealed)
        os.replace(draft, path)  # noqa: PTH105 - as above

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # closing lets go of it
            yield

    def _sweep_if_due(self) -> None:
        now = time.monotonic()
        if self._swept_at is not None and now - self._swept_at < _SWEEP_SECONDS:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._swept_at = now
        with self._locked():
            for name in os.listdir(self._folder):  # noqa: PTH208 - as above
                path = f"{self._folder}{os.sep}{name}"
                if name.endswith(_SUFFIX) and self._read(path) is None:
                    os.unlink(path)  # noqa: PTH108 - as above
