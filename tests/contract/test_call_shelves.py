"""Every call store keeps the same promises about finding, expiring and ordering its entries."""

import asyncio
import json
import os
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from botocore.session import Session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from agent_core.adapters.call_store.dynamodb import DynamoDbStore
from agent_core.adapters.call_store.file_store import DATABASE, FileStore
from agent_core.adapters.call_store.key_value_store import (
    COMMENTS,
    ListableStore,
    StoredEntry,
    StoreFault,
)
from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.call_state import CallState
from agent_core.errors import ConfigurationError
from agent_core.events import CallDetailRecord, EndReason, SessionStats
from agent_core.lost_records import LostRecords
from agent_core.open_conversations import SILENT_SECONDS, OpenConversation

_NOBODY = 65_534
"""A user without privileges."""


@dataclass
class Place:
    """The storage of one kind of call store, which several tasks share."""

    make: Callable[[Callable[[], float]], ListableStore]
    """Make another task's store, given its clock."""
    content: Callable[[], bytes]
    """Everything that a person with access to the storage can read there."""
    offset: float = 0.0
    """Seconds by which the clocks are ahead."""
    shelves: list[ListableStore] = field(default_factory=list)

    def shelf(self) -> ListableStore:
        """Return one more task's store."""
        self.shelves.append(self.make(lambda: time.time() + self.offset))
        return self.shelves[-1]


def _folder(folder: Path) -> Place:
    def content() -> bytes:
        # SQLite's index of its log changes with each read, and has no entry.
        files = [path for path in folder.iterdir() if not path.name.endswith("-shm")]
        return b"".join(path.name.encode() + path.read_bytes() for path in files)

    return Place(lambda clock: FileStore(folder, clock), content)


def _table(client: Any, url: str) -> Place:  # noqa: ANN401 - botocore makes it at run time
    name = f"pipecat-calls-{uuid4().hex}"
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "call_sid", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "call_sid", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def content() -> bytes:
        items = client.scan(TableName=name)["Items"]
        return b"".join(item["sealed"]["B"] + repr({**item, "sealed": None}).encode() for item in items)

    return Place(lambda clock: DynamoDbStore(name, region="us-east-1", endpoint=url, clock=clock), content)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """Run a simulated DynamoDB that serves one request at a time: with threads, moto does not enforce conditions."""
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        serving.join(5)
        server.server_close()


@pytest_asyncio.fixture(params=["file", "dynamodb"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Return an empty storage of each kind in turn."""
    if request.param == "file":
        made = _folder(tmp_path / "calls")
    else:
        request.getfixturevalue("aws_keys")
        url = request.getfixturevalue("aws")
        made = _table(Session().create_client("dynamodb", region_name="us-east-1", endpoint_url=url), url)
    yield made
    for shelf in made.shelves:
        await shelf.aclose()


def _entry(sealed: bytes = b"sealed", version: int = 1, seconds: float = 60) -> StoredEntry:
    return StoredEntry(sealed, version, round(time.time() + seconds))


async def test_another_task_finds_what_one_has_put(place: Place) -> None:
    """Another task finds the entry that one task has written; the second write replaces the first."""
    one, other = place.shelf(), place.shelf()
    first, second = _entry(b"\x00\xff first"), _entry(b"second", version=2)
    assert await one.put("CA1", first)
    assert await other.get("CA1") == first
    assert await other.put("CA1", second)
    assert await one.get("CA1") == second
    assert await one.get("CA2") is None


async def test_an_earlier_part_of_a_call_changes_nothing(place: Place) -> None:
    """A task that was frozen cannot overwrite the entry of a later part of the call."""
    late, now = place.shelf(), place.shelf()
    newer = _entry(b"newer", version=3)
    await now.put("CA1", newer)
    assert not await late.put("CA1", _entry(b"older", version=2))
    assert not await late.delete("CA1", 2, time.time() + 60)
    assert await now.get("CA1") == newer


async def test_what_is_deleted_is_gone(place: Place) -> None:
    """Deleting an entry twice, or one that never existed, is not an error."""
    shelf = place.shelf()
    await shelf.put("CA1", _entry())
    assert await shelf.delete("CA1", 1, time.time() + 60)
    assert await shelf.get("CA1") is None
    assert not await shelf.delete("CA1", 1, time.time() + 60)
    assert await shelf.delete("CA2", 0, time.time() + 60)
    assert await shelf.get("CA2") is None


async def test_what_is_deleted_is_not_put_back(place: Place) -> None:
    """A late write of any part does not restore a deleted entry, as long as such a write can arrive."""
    late, now = place.shelf(), place.shelf()
    await now.put("CA1", _entry())
    await now.delete("CA1", 1, time.time() + 60)
    for version in (0, 1, 10):
        assert not await late.put("CA1", _entry(b"late", version))
        assert not await late.delete("CA1", version, time.time() + 6000)
    assert not await late.put_if_absent("CA1", time.time() + 6000)
    assert await now.get("CA1") is None
    assert b"late" not in place.content()
    place.offset = 70
    assert await late.put("CA1", _entry(b"anew", seconds=600))
    found = await now.get("CA1")
    assert found is not None
    assert found.sealed == b"anew"


async def test_what_has_expired_is_as_if_it_were_gone(place: Place) -> None:
    """An expired entry is not found, even while it is still stored and of a later part."""
    shelf = place.shelf()
    await shelf.put("CA1", _entry(version=9, seconds=30))
    await shelf.put_if_absent("once", time.time() + 30)
    place.offset = 40
    assert await shelf.get("CA1") is None
    assert await shelf.put("CA1", _entry(b"new", version=1))
    assert await shelf.put_if_absent("once", time.time() + 90)
    found = await shelf.get("CA1")
    assert found is not None
    assert found.sealed == b"new"


async def test_an_operator_lists_what_is_live(place: Place) -> None:
    """Listing returns every live entry of a prefix, also over more pages than one, and nothing else."""
    shelf = place.shelf()
    wanted = {f"{COMMENTS}{number:02}": _entry(bytes(100_000) + b"%d" % number, seconds=86_400) for number in range(15)}
    for key, entry in wanted.items():
        await shelf.put(key, entry)
    await shelf.put("comments", _entry())
    await shelf.put(f"{COMMENTS}deleted", _entry())
    await shelf.delete(f"{COMMENTS}deleted", 1, time.time() + 60)
    await shelf.put(f"{COMMENTS}expired", _entry(seconds=30))
    place.offset = 40
    assert dict(await shelf.entries(COMMENTS)) == wanted
    assert await shelf.entries("nothing/") == []


async def test_of_many_who_come_first_one_is(place: Place) -> None:
    """Only one of several simultaneous claims of a ticket succeeds, so it opens one stream."""
    shelves = [place.shelf() for _ in range(4)]
    until = time.time() + 60
    answers = await asyncio.gather(*(shelf.put_if_absent("ticket", until) for shelf in shelves * 3))
    assert sorted(answers) == [False] * 11 + [True]


async def test_of_several_tasks_one_writes_the_records_of_a_killed_one(place: Place) -> None:
    """Another task's list is found, each of its conversations is recorded once, and the key is free again."""
    record = CallDetailRecord("a", "phone", EndReason.TASK_LOST, 1.0, 1000, SessionStats(caller_turns=2))
    rows, written = [OpenConversation(record)], list[CallDetailRecord]()

    def clock() -> float:
        return time.time() + place.offset

    killed = LostRecords(place.shelf(), "phone", lambda: rows, written.append, clock)
    others = [LostRecords(place.shelf(), "phone", list, written.append, clock) for _ in range(2)]
    await killed.beat()
    await others[0].sweep()
    assert written == []
    place.offset += SILENT_SECONDS + 5
    await asyncio.gather(*(one.sweep() for one in others))
    assert written == [record]
    assert not await killed.claim("a")
    assert await place.shelf().get("open/phone/0") is None
    await killed.beat()
    assert await place.shelf().get("open/phone/0") is not None


async def test_nobody_reads_a_caller_s_words_where_they_lie(place: Place) -> None:
    """The storage, including its names, contains no word of the conversation."""
    shelf = place.shelf()
    store = CallStore(shelf, Seal([b"k" * 32]), deadline=timedelta(seconds=20))
    call = CallState("CA1", (("USER", "weather in Reykjavik"),), {"city": "Akureyri"}, note="a private note")
    assert await store.remember(call)
    assert await store.recall("CA1") == call
    content, entry = place.content(), await shelf.get("CA1")
    assert entry is not None
    assert entry.sealed in content
    for word in (b"weather", b"Reykjavik", b"Akureyri", b"private", b"USER"):
        assert word not in content
    await store.forget(call)
    assert entry.sealed not in place.content()


async def test_a_call_that_was_forgotten_is_not_remembered_by_the_task_that_lost_it(place: Place) -> None:
    """A task that notices a lost call late does not restore it after another task resumed and ended it."""
    first, second = (CallStore(place.shelf(), Seal([b"k" * 32]), deadline=timedelta(seconds=20)) for _ in range(2))
    call = CallState("CA1", (("USER", "weather in Reykjavik"),), {"city": "Akureyri"})
    await first.remember(call)
    await second.remember(replace(call, part=1))
    await second.forget(replace(call, part=1, ended="caller_hung_up"))
    left = place.content()
    assert not await first.remember(replace(call, ended="media_disconnected"))
    assert place.content() == left
    assert await first.recall("CA1") is None
    assert await second.recall("CA1") is None
    assert not first.faults + second.faults


async def test_expired_entries_are_deleted_at_the_next_start(tmp_path: Path) -> None:
    """The next start deletes expired entries, for example of a laptop that was closed during a call."""
    place = _folder(tmp_path / "calls")
    shelf = place.shelf()
    await shelf.put("CA1", _entry(b"a word", seconds=30))
    await shelf.put("CA2", _entry(b"another", seconds=3000))
    await shelf.delete("CA3", 0, time.time() + 30)
    assert b"a word" in place.content()
    place.offset = 40
    place.shelf()
    assert b"a word" not in place.content()
    assert b"another" in place.content()


@pytest.mark.parametrize("moment", [float("inf"), 2e10])
async def test_an_entry_that_claims_to_last_for_years_is_expired(tmp_path: Path, moment: float) -> None:
    """An entry with an expiry years ahead, written under a wrong clock, is expired and blocks no call."""
    shelf = _folder(tmp_path / "calls").shelf()
    await shelf.put("CA1", StoredEntry(b"sealed", 2**31, moment))
    assert await shelf.get("CA1") is None
    assert await shelf.put_if_absent("CA1", time.time() + 60)


async def test_only_its_owner_looks_into_the_folder(tmp_path: Path) -> None:
    """Only the owner can read the folder; SQLite's own files have the same mode."""
    shelf = _folder(tmp_path / "calls").shelf()
    await shelf.put("CA1", _entry())
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "calls").iterdir()}
    assert ((tmp_path / "calls").stat().st_mode & 0o777, modes) == (0o700, {0o600})


@pytest.mark.parametrize("mode", [0o777, 0o770])
async def test_a_folder_that_others_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    """The store rejects a folder that other users can write to, as they could replace any entry."""
    folder = tmp_path / "calls"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"^CALL_STORE: .*calls \(it belongs to another user"):
        FileStore(folder)
    assert not list(folder.iterdir())


def _no_database(path: Path) -> None:
    path.write_text("somebody's own words" * 100)


def _cut_in_the_middle(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript("CREATE TABLE entries (key, version, expires_at, sealed); BEGIN;")
        database.executemany("INSERT INTO entries VALUES (?, 1, 1, ?)", [(key, bytes(3000)) for key in range(40)])
        database.commit()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [_no_database, _cut_in_the_middle])
async def test_a_damaged_database_stops_the_start_with_one_sentence(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """The error names a damaged database and what to do, and the file remains unchanged."""
    damage(tmp_path / DATABASE)
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(ConfigurationError, match=rf"^CALL_STORE: .*{DATABASE} is damaged \(.+\); delete it$"):
        FileStore(tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == before


async def test_a_folder_that_cannot_be_used_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    """A file instead of the folder, a folder instead of the file, and foreign tables stop the start."""
    (tmp_path / "file").write_text("")
    (tmp_path / "calls" / DATABASE).mkdir(parents=True, mode=0o700)
    (tmp_path / "tables").mkdir(mode=0o700)
    with closing(sqlite3.connect(tmp_path / "tables" / DATABASE)) as database:
        database.execute("CREATE TABLE entries (something TEXT)")
    for name in ("file", "calls", "tables"):
        with pytest.raises(
            ConfigurationError, match=rf"^CALL_STORE: cannot keep calls in .*{name} \(.+\); name a folder"
        ):
            FileStore(tmp_path / name)


def _read_only(folder: Path) -> None:
    """Open a store in a read-only folder; as another user, because root can write everywhere."""
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
    try:
        folder.chmod(0o500)
        FileStore(folder)
    finally:
        os.seteuid(os.getuid())


async def test_a_folder_that_is_read_only_stops_the_start_with_one_sentence() -> None:
    """A read-only folder stops the start, instead of failing the first call."""
    with (
        TemporaryDirectory() as folder,
        pytest.raises(ConfigurationError, match=r"\(Permission denied\); name a folder"),
    ):
        _read_only(Path(folder))


async def test_a_task_that_starts_with_another_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses a change of the journal at once while another task makes it, whatever timeout is set."""
    refused = iter([True, True, False])

    class Busy(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as it is
            """Refuse the first changes of the journal, as SQLite does."""
            if sql.startswith("PRAGMA journal_mode") and next(refused, False):
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error
            return super().execute(sql, *parameters)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: connect(*given, factory=Busy, **options))
    store = FileStore(tmp_path / "calls")
    assert await store.put("CA1", StoredEntry(b"words", 1, time.time() + 60))
    await store.aclose()


async def test_a_lock_that_another_process_keeps_is_given_up(tmp_path: Path) -> None:
    """Reading needs no lock; a write times out, also in its thread, and works again after the lock is free."""
    shelf = _folder(tmp_path).shelf()
    await shelf.put("CA1", _entry())
    with closing(sqlite3.connect(tmp_path / DATABASE, autocommit=True)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault, match="SQLITE_BUSY"):
            await shelf.put("CA1", _entry(b"new"))
        assert await shelf.get("CA1") is not None
        other.execute("ROLLBACK")
    assert await shelf.put("CA1", _entry(b"new"))


_WRITER = """
import asyncio, sys, time
from contextlib import suppress
from pathlib import Path
from agent_core.adapters.call_store.file_store import FileStore
from agent_core.adapters.call_store.key_value_store import StoredEntry, StoreFault

async def main():
    sys.stdin.readline()
    shelf, until = FileStore(Path(sys.argv[1])), time.time() + 600
    first = [await shelf.put_if_absent(f"ticket-{number}", until) for number in range(30)]
    print(sum(first), flush=True)
    sys.stdin.readline()
    for version in range(10**9):
        with suppress(StoreFault):
            await shelf.put(sys.argv[2], StoredEntry(version.to_bytes(4) * 1000, version, until))
            await shelf.delete(f"CA0-{version}", version, until)
            print(version, flush=True)

asyncio.run(main())
"""


async def _said_by(writers: list[Process]) -> list[int]:
    """Let each process continue, and return its next line."""
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
    async with asyncio.timeout(60):
        return [int(await writer.stdout.readline()) for writer in writers if writer.stdout is not None]


async def test_processes_write_at_once_and_one_that_is_killed_leaves_a_whole_database(tmp_path: Path) -> None:
    """Processes create the database together; each ticket is new to one, each change is complete or absent."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    writers = [
        await asyncio.create_subprocess_exec(*command, f"CA{number}", stdin=PIPE, stdout=PIPE) for number in (1, 2)
    ]
    try:
        counts = await _said_by(writers)
        await _said_by(writers)
    finally:
        for writer in writers:
            if writer.returncode is None:
                writer.kill()
        await asyncio.gather(*(writer.communicate() for writer in writers))
    assert sum(counts) == 30
    shelf = _folder(tmp_path).shelf()
    for key in ("CA1", "CA2"):
        entry = await shelf.get(key)
        assert entry is None or entry.sealed == entry.version.to_bytes(4) * 1000
    assert await shelf.put("CA3", _entry())


async def _refused(code: str) -> AsyncIterator[str]:
    """Serve a DynamoDB that rejects every request."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(head + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
@pytest.mark.usefixtures("aws_keys")
async def test_a_table_that_refuses_us_is_a_fault_with_its_name(code: str) -> None:
    """The log names a missing permission or a missing table to the operator, and the call continues."""
    async for url in _refused(code):
        shelf = DynamoDbStore("pipecat-calls-test", region="us-east-1", endpoint=url)
        with pytest.raises(StoreFault, match=code):
            await shelf.get("CA1")
        store = CallStore(shelf, Seal([b"k" * 32]), deadline=timedelta(seconds=20))
        assert not await store.remember(CallState("CA1"))
        assert await store.redeem("ticket", time.time() + 60)
        await store.aclose()


@pytest.mark.usefixtures("aws_keys")
async def test_a_table_that_never_answers_is_given_up() -> None:
    """Each request to a table on a network that drops packets ends in time."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        shelf = DynamoDbStore("pipecat-calls-test", region="us-east-1", endpoint=url)
        store = CallStore(shelf, Seal([b"k" * 32]), deadline=timedelta(seconds=0.2))
        assert await store.recall("CA1") is None
        assert not await store.remember(CallState("CA1"))
        assert store.faults == {"recall": 1, "remember": 1}
        for writer in held:
            writer.close()
        await store.aclose()
