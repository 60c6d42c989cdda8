"""Keep entries in an SQLite database in a folder: for a laptop, where every task sees the same disk.

Each change is one statement with its condition, so that two processes may write at once and either may be killed at any
time. Only its owner may access the folder; otherwise it is not used.
"""

import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agent_core.adapters.call_store.key_value_store import COMMENTS, RATED, StoredEntry, StoreFault
from agent_core.aside import Aside
from agent_core.errors import ConfigurationError

DATABASE: Final = "calls.sqlite3"
"""Name of the database in its folder."""
_MAX_KEEP_SECONDS: Final = 25 * 3600.0
"""An entry with a later expiry was written by a clock that was wrong. A day is for the marks that limit calls to
visitors.
"""
_MAX_KEEP_LONG_SECONDS: Final = 366 * 86_400.0
"""The same for what an operator's setting keeps longer than a conversation lasts."""
_LOCK_SECONDS: Final = 0.5
"""Longest wait for another process; callers of the store give up after a second."""
_START_SECONDS: Final = 5.0
"""The same at start, when no caller waits and every task of the machine may start at once."""
_LOOK_SECONDS: Final = 0.05
_SWEEP_SECONDS: Final = 600.0
"""How often expired entries are deleted, in addition to once at start."""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})

_SETUP: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # a power failure may lose the last words, never the database
    "PRAGMA secure_delete = ON",  # overwrite deleted content
    """CREATE TABLE IF NOT EXISTS entries
    (key TEXT PRIMARY KEY, version INTEGER NOT NULL, expires_at REAL NOT NULL, sealed BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_at)",
)
_IS_LONG: Final = f"(key GLOB '{COMMENTS}*' OR key GLOB '{RATED}*')"
_LIVE: Final = f"""(expires_at > :now
AND expires_at <= :now + CASE WHEN {_IS_LONG} THEN {_MAX_KEEP_LONG_SECONDS} ELSE {_MAX_KEEP_SECONDS} END)"""
_GET: Final = f"SELECT sealed, version, expires_at FROM entries WHERE key = :key AND {_LIVE}"  # noqa: S608 - constants
_LIST: Final = f"""
SELECT key, sealed, version, expires_at FROM entries WHERE substr(key, 1, length(:prefix)) = :prefix AND {_LIVE}
"""  # noqa: S608 - constants
_PUT: Final = f"""
INSERT INTO entries (key, version, expires_at, sealed) VALUES (:key, :version, :expires_at, :sealed)
ON CONFLICT (key) DO UPDATE
SET version = excluded.version, expires_at = excluded.expires_at, sealed = excluded.sealed
WHERE entries.version <= :replaces OR NOT {_LIVE}
"""  # noqa: S608 - constants
_SWEEP: Final = f"DELETE FROM entries WHERE NOT {_LIVE}"  # noqa: S608 - constants
_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
"""Empties the write-ahead log, which still has the words that the database has deleted."""
_NONE: Final = -1
"""A version that no entry has."""


class FileStore:
    """A database of entries.

    Args:
        folder: Of the database; created if missing. Only its owner can access it.
        clock: Unix seconds.

    Raises:
        ConfigurationError: the folder has another owner, is not writable, or holds a damaged database.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._swept_at = time.monotonic()
        try:
            _own(folder)
            self._database = _open(folder / DATABASE)
            self._sweep()
            self._database.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000:.0f}")
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"CALL_STORE: {_advice(folder, error)}") from error
        # Its own thread: a disk that hangs must not delay anything else.
        self._aside = Aside("call-files")

    async def get(self, key: str) -> StoredEntry | None:
        """Return the entry under a key, unless it has expired or was deleted."""
        row = await self._off_loop(lambda: self._execute(_GET, key=key).fetchone())
        entry = None if row is None else StoredEntry(*row)
        return None if entry is None or entry.is_tombstone else entry

    async def entries(self, prefix: str) -> Sequence[tuple[str, StoredEntry]]:
        """Return key and entry of each live entry whose key starts with a prefix."""
        rows = await self._off_loop(lambda: self._execute(_LIST, prefix=prefix).fetchall())
        found = [(key, StoredEntry(*fields)) for key, *fields in rows]
        return [(key, entry) for key, entry in found if not entry.is_tombstone]

    async def put(self, key: str, entry: StoredEntry) -> bool:
        """Replace the entry under a key; return False if it has a higher version."""
        return await self._off_loop(lambda: self._put(key, entry, replaces=entry.version))

    async def put_if_absent(self, key: str, expires_at: float) -> bool:
        """Mark a key; return False if it has an entry already."""
        return await self._off_loop(lambda: self._put(key, StoredEntry(b"", 0, expires_at), replaces=_NONE))

    async def delete(self, key: str, version: int, until: float) -> bool:
        """Delete the entry under a key, and reject writes to it until then; return False if it has a higher version."""

        def work() -> bool:
            done = self._put(key, StoredEntry.tombstone(until), replaces=version)
            self._execute(_EMPTY_LOG)
            return done

        return await self._off_loop(work)

    async def aclose(self) -> None:
        """Close the database once its thread has finished the pending work; do not wait for it."""
        with suppress(RuntimeError):  # the thread hangs; the next process recovers the database
            self._aside.submit(self._database.close)
        self._aside.close()

    async def _off_loop[T](self, work: Callable[[], T]) -> T:
        def prepared() -> T:
            done = work()
            if time.monotonic() - self._swept_at >= _SWEEP_SECONDS:
                self._swept_at = time.monotonic()
                with suppress(sqlite3.Error):  # earlier work has been done
                    self._sweep()
            return done

        try:
            return await self._aside.run(prepared)
        except (sqlite3.Error, RuntimeError) as problem:  # the second one: the database is closed, or the thread hangs
            raise StoreFault(getattr(problem, "sqlite_errorname", type(problem).__name__)) from None

    def _put(self, key: str, entry: StoredEntry, *, replaces: int) -> bool:
        """Write an entry where there is none, or an expired one, or one with no higher version than ``replaces``."""
        fields = {"version": entry.version, "expires_at": entry.expires_at, "sealed": entry.sealed}
        return self._execute(_PUT, key=key, replaces=replaces, **fields).rowcount == 1

    def _sweep(self) -> None:
        self._execute(_SWEEP)
        self._execute(_EMPTY_LOG)

    def _execute(self, statement: str, **parameters: Any) -> sqlite3.Cursor:  # noqa: ANN401 - any value of SQLite
        return self._database.execute(statement, {"now": self._clock(), **parameters})


def _advice(folder: Path, error: OSError | sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return f"{folder / DATABASE} is damaged ({error}); delete it"
    reason = error.strerror if isinstance(error, OSError) else error
    return f"cannot keep calls in {folder} ({reason}); name a folder that this user owns and others cannot write to"


def _own(folder: Path) -> None:
    """Ensure that this user owns the folder.

    Raises:
        OSError: another user owns it, or it cannot be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise PermissionError(errno.EPERM, "it belongs to another user, or others may write to it")


def _open(path: Path) -> sqlite3.Connection:
    """Open the database; create it if it is missing.

    Raises:
        OSError: it cannot be created.
        sqlite3.DatabaseError: it cannot be used.
    """
    with suppress(FileExistsError):
        # SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    # Opened here, then used by one thread only.
    database = sqlite3.connect(path, timeout=_START_SECONDS, autocommit=True, check_same_thread=False)
    try:
        _set_up(database)
        (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            damage = sqlite3.DatabaseError(problem)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
    except sqlite3.Error:
        database.close()
        raise
    return database


def _set_up(database: sqlite3.Connection) -> None:
    """Change the journal and create the table; wait for another task that does the same at this moment."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            for statement in _SETUP:
                database.execute(statement)
        except sqlite3.OperationalError as error:
            # SQLite does not wait for a lock where two could wait for each other, as when the journal is changed.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return
