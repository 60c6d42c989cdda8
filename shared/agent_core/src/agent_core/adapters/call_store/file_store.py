"""Keeps entries as files in a folder: for a laptop, where every task sees the same disk.

Each change is made under a lock of the whole folder and by renaming, so that a process may be killed at any time.
The names of entries are plain strings, for a `Path` interns each part of its name: Python 3.12 never frees those, and
each call has a name of its own.

The folder is ours alone, or it is not used. What lies in it is read with suspicion all the same: anything that is not
a plain file of a plausible size and age is as if it were not there.
"""

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from struct import Struct, error
from typing import Final

from agent_core.adapters.call_store.key_value_store import StoredEntry, StoreFault
from agent_core.aside import Aside

_HEAD: Final = Struct(">Qd")
"""Version and expiry, before the sealed bytes."""
_MAX_BYTES: Final = 256 * 1024
"""Of a file. What is remembered of a call has 32 KB of words, which JSON can make six times as long."""
_MAX_VERSION: Final = 2**31
_MAX_KEEP_SECONDS: Final = 2 * 3600.0
"""An entry that claims to be kept for longer was written by another program, or by a clock that was wrong."""
_LOCK_SECONDS: Final = 0.5
"""Longest wait for the folder's lock; callers of the store give up after a second."""
_LOCK_LOOK_SECONDS: Final = 0.01
_SWEEP_SECONDS: Final = 600.0
"""How often files that have expired are looked for, beside once at the start."""
_MAX_SWEPT: Final = 2000
"""Files that are looked at in one go, at most: the lock is held meanwhile."""
_SUFFIX: Final = ".entry"
_DRAFT: Final = ".draft"
_PLAIN: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Follow no link, and do not wait for the other end of a pipe."""


class FileStore:
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
        self._aside = Aside("call-files")

    async def get(self, key: str) -> StoredEntry | None:
        """Give what lies under a key, unless it has expired or was deleted."""
        entry = await self._off_loop(lambda: self._read(self._path(key)))
        return None if entry is None or entry.is_tombstone else entry

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace what lies under a key; False if that has a higher version."""
        return await self._off_loop(lambda: self._put_unless_newer(self._path(key), entry, entry.version))

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; False if there is something under it already."""
        return await self._off_loop(lambda: self._put_first(self._path(key), expires_at))

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Remove what lies under a key, and refuse what is put there until then; False if that has a higher version."""
        return await self._off_loop(
            lambda: self._put_unless_newer(self._path(key), StoredEntry.tombstone(until), version)
        )

    async def aclose(self) -> None:
        """Wait for nothing: what is being written is written by its thread."""
        self._aside.close()

    async def _off_loop[T](self, work: Callable[[], T]) -> T:
        def prepared() -> T:
            self._own_folder()
            done = work()
            self._sweep_if_due()
            return done

        try:
            return await self._aside.run(prepared)
        except (OSError, RuntimeError) as problem:  # the second: it is closed, or hangs
            raise StoreFault(type(problem).__name__) from None

    def _own_folder(self) -> None:
        """Make sure that the folder is ours.

        Raises:
            OSError: it is not, or cannot be made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._folder.stat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise PermissionError(errno.EPERM, "the folder of calls belongs to another user, or others may write to it")

    def _path(self, key: str) -> str:
        return f"{self._folder}{os.sep}{sha256(key.encode()).hexdigest()}{_SUFFIX}"

    def _put_unless_newer(self, path: str, entry: StoredEntry, version: int) -> bool:
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
            self._write(path, StoredEntry(b"", 0, expires_at))
            return True

    def _read(self, path: str) -> StoredEntry | None:
        content = _content(path)
        if content is None:
            return None
        try:
            version, expires_at = _HEAD.unpack_from(content)
        except error:
            return None  # a file that was cut off is replaced by the next one
        now = self._clock()
        # Written this way round, a number that is none is refused as well.
        if not (now < expires_at <= now + _MAX_KEEP_SECONDS and version <= _MAX_VERSION):
            return None
        return StoredEntry(content[_HEAD.size :], version, expires_at)

    def _write(self, path: str, entry: StoredEntry) -> None:
        draft = f"{path.removesuffix(_SUFFIX)}.{secrets.token_hex(8)}{_DRAFT}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_HEAD.pack(entry.version, entry.expires_at) + entry.sealed)
            os.replace(draft, path)  # noqa: PTH105 - as above
        except OSError:
            with suppress(OSError):
                os.unlink(draft)  # noqa: PTH108 - as above
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock.

        Raises:
            TimeoutError: another process holds it. The kernel's own wait has no end, and cannot be given up.
        """
        descriptor = os.open(f"{self._folder}{os.sep}lock", os.O_RDWR | os.O_CREAT | _PLAIN, 0o600)
        try:
            until = time.monotonic() + _LOCK_SECONDS
            while not _locks(descriptor):
                if time.monotonic() >= until:
                    raise TimeoutError(errno.ETIMEDOUT, "another process holds the lock of the calls")
                time.sleep(_LOCK_LOOK_SECONDS)
            yield
        finally:
            os.close(descriptor)  # lets go of it

    def _sweep_if_due(self) -> None:
        now = time.monotonic()
        if self._swept_at is not None and now - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = now
        with suppress(OSError), self._locked():  # what came before it has been done
            names = os.listdir(self._folder)  # noqa: PTH208 - as above
            first = secrets.randbelow(len(names)) if len(names) > _MAX_SWEPT else 0
            for name in (names[first:] + names[:first])[:_MAX_SWEPT]:
                path = f"{self._folder}{os.sep}{name}"
                # A draft exists under the lock only: its task was killed.
                if name.endswith(_DRAFT) or (name.endswith(_SUFFIX) and self._read(path) is None):
                    with suppress(OSError):  # a folder of this name, for one
                        os.unlink(path)  # noqa: PTH108 - as above


def _content(path: str) -> bytes | None:
    """Read a plain file of a plausible size; None for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _PLAIN)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EISDIR):
            return None  # nothing, a link, a socket, a folder
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = file.read(_MAX_BYTES + 1)
    return content if len(content) <= _MAX_BYTES else None


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
