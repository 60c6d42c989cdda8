"""Every shelf keeps the same promises: what is put is found, nothing outlives its time, old parts change nothing."""

import asyncio
import fcntl
import json
import os
import struct
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from botocore.session import Session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from agent_core.adapters.call_store.dynamodb import DynamoDbStore
from agent_core.adapters.call_store.file_store import FileStore
from agent_core.adapters.call_store.key_value_store import KeyValueStore, StoredEntry, StoreFault
from agent_core.adapters.call_store.seal import Seal
from agent_core.adapters.call_store.store import CallStore
from agent_core.call_state import CallState


@dataclass
class Place:
    """Where shelves of one kind stand, as several tasks see it."""

    make: Callable[[Callable[[], float]], KeyValueStore]
    """Make another task's view of the place, given its clock."""
    content: Callable[[], bytes]
    """Everything that somebody who can look into the place can read there."""
    offset: float = 0.0
    """Seconds by which the clocks are ahead."""
    shelves: list[KeyValueStore] = field(default_factory=list)

    def shelf(self) -> KeyValueStore:
        """Give one more task's view."""
        self.shelves.append(self.make(lambda: time.time() + self.offset))
        return self.shelves[-1]


def _folder(folder: Path) -> Place:
    def content() -> bytes:
        return b"".join(path.name.encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file())

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
    """Run a pretend DynamoDB that does one thing at a time; with threads, moto's conditions are none."""
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
    """Each kind of place after the other, empty."""
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
    """This is what it is for; the second put replaces the first."""
    one, other = place.shelf(), place.shelf()
    first, second = _entry(b"\x00\xff first"), _entry(b"second", version=2)
    assert await one.put("CA1", first)
    assert await other.get("CA1") == first
    assert await other.put("CA1", second)
    assert await one.get("CA1") == second
    assert await one.get("CA2") is None


async def test_an_earlier_part_of_a_call_changes_nothing(place: Place) -> None:
    """A task that was frozen wakes up and still believes that the call is its own."""
    late, now = place.shelf(), place.shelf()
    newer = _entry(b"newer", version=3)
    await now.put("CA1", newer)
    assert not await late.put("CA1", _entry(b"older", version=2))
    assert not await late.delete("CA1", 2, time.time() + 60)
    assert await now.get("CA1") == newer


async def test_what_is_deleted_is_gone(place: Place) -> None:
    """Twice is no fault, and neither is what was never there."""
    shelf = place.shelf()
    await shelf.put("CA1", _entry())
    assert await shelf.delete("CA1", 1, time.time() + 60)
    assert await shelf.get("CA1") is None
    assert not await shelf.delete("CA1", 1, time.time() + 60)
    assert await shelf.delete("CA2", 0, time.time() + 60)
    assert await shelf.get("CA2") is None


async def test_what_is_deleted_is_not_put_back(place: Place) -> None:
    """A write that nobody waits for any more arrives last: of the same part, of any other, until none can come."""
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
    """Even where it lies a while longer, and even if it was of a later part."""
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


async def test_of_many_who_come_first_one_is(place: Place) -> None:
    """A ticket that is shown to several tasks at the same time opens one stream."""
    shelves = [place.shelf() for _ in range(4)]
    until = time.time() + 60
    answers = await asyncio.gather(*(shelf.put_if_absent("ticket", until) for shelf in shelves * 3))
    assert sorted(answers) == [False] * 11 + [True]


async def test_nobody_reads_a_caller_s_words_where_they_lie(place: Place) -> None:
    """The whole place, names included, holds no word of the conversation."""
    store = CallStore(place.shelf(), Seal([b"k" * 32]), deadline=timedelta(seconds=20))
    call = CallState("CA1", (("USER", "weather in Reykjavik"),), {"city": "Akureyri"}, note="a private note")
    assert await store.remember(call)
    assert await store.recall("CA1") == call
    content = place.content()
    assert len(content) > 100
    for word in (b"weather", b"Reykjavik", b"Akureyri", b"private", b"USER"):
        assert word not in content
    await store.forget(call)
    assert len(place.content()) < len(content) - 100


async def test_a_call_that_was_forgotten_is_not_remembered_by_the_task_that_lost_it(place: Place) -> None:
    """A socket breaks silently, another task takes the call up and sees its end; then the first one notices."""
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


async def test_files_that_have_expired_are_removed_at_the_next_start(tmp_path: Path) -> None:
    """A laptop that was closed in the middle of a call keeps nothing of it for ever."""
    place = _folder(tmp_path / "calls")
    shelf = place.shelf()
    await shelf.put("CA1", _entry(b"a word", seconds=30))
    await shelf.put("CA2", _entry(b"another", seconds=3000))
    await shelf.delete("CA3", 0, time.time() + 30)
    place.offset = 40
    assert await place.shelf().get("CA4") is None
    assert b"a word" not in place.content()
    assert b"another" in place.content()
    assert len(list((tmp_path / "calls").glob("*.entry"))) == 1


async def test_a_file_that_was_cut_off_is_nothing(tmp_path: Path) -> None:
    """The disk was full, or the machine lost its power."""
    place = _folder(tmp_path / "calls")
    shelf = place.shelf()
    await shelf.put("CA1", _entry())
    (file,) = (tmp_path / "calls").glob("*.entry")
    file.write_bytes(file.read_bytes()[:7])
    assert await shelf.get("CA1") is None
    assert await shelf.put("CA1", _entry(b"new"))


async def test_names_of_files_are_not_kept(tmp_path: Path) -> None:
    """A task remembers and forgets thousands of calls a day: the next hundreds take no more memory than the last."""
    shelf = FileStore(tmp_path / "calls")

    async def use(calls: range) -> None:
        for number in calls:
            key = f"CA{number}"
            await shelf.put(key, StoredEntry(b"sealed", 0, time.time() + 60))
            assert await shelf.get(key) is not None
            await shelf.delete(key, 0, time.time() + 60)

    await use(range(100))
    tracemalloc.start()
    try:
        await use(range(100, 200))
        before, _ = tracemalloc.get_traced_memory()
        await use(range(200, 500))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await shelf.aclose()
    assert (after - before) / 300 < 20, "bytes for each call"


async def test_only_its_owner_looks_into_the_folder(tmp_path: Path) -> None:
    """Other users of the machine have no business there."""
    await _folder(tmp_path / "calls").shelf().put("CA1", _entry())
    (file,) = (tmp_path / "calls").glob("*.entry")
    assert ((tmp_path / "calls").stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("mode", [0o777, 0o770])
async def test_a_folder_that_others_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    """They could put anything under any name, and take everything away."""
    folder = tmp_path / "calls"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(StoreFault, match="PermissionError"):
        await FileStore(folder).put("CA1", _entry())
    assert not list(folder.iterdir())


def _huge(file: Path) -> None:
    with file.open("wb") as hole:
        hole.write(struct.pack(">Qd", 0, time.time() + 60))
        hole.truncate(1 << 40)


def _link(file: Path) -> None:
    target = file.parent.parent / "target"
    target.write_bytes(struct.pack(">Qd", 7, time.time() + 60))
    file.symlink_to(target)


def _expiring(moment: float) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(struct.pack(">Qd", 2**31, moment))


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "huge": _huge,
    "link": _link,
    "link-to-itself": lambda file: file.symlink_to(file),
    "never-expires": _expiring(float("inf")),
    "expires-at-no-time": _expiring(float("nan")),
    "expires-in-years": _expiring(2e10),
    "empty": lambda file: file.write_bytes(b""),
}


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_no_entry_is_as_if_it_were_not_there(tmp_path: Path, odd: str) -> None:
    """It is not read, not followed and not waited for; it is swept, or replaced."""
    folder = tmp_path / "calls"
    shelf = FileStore(folder)
    await shelf.put("CA1", _entry())
    (file,) = folder.glob("*.entry")
    for name in (file, folder / f"{'0' * 64}.entry"):
        name.unlink(missing_ok=True)
        ODD[odd](name)
    assert await shelf.get("CA1") is None
    assert await shelf.put_if_absent("CA1", time.time() + 60)
    assert file.is_file()
    assert not file.is_symlink()
    await FileStore(folder).get("CA2")  # the next task sweeps
    assert list(folder.glob("*.entry")) == [file]
    if (target := tmp_path / "target").exists():
        assert len(target.read_bytes()) == 16


async def test_the_lock_is_no_link(tmp_path: Path) -> None:
    """Whatever it points to is left alone."""
    folder, target = tmp_path / "calls", tmp_path / "precious"
    folder.mkdir(mode=0o700)
    target.write_text("words")
    (folder / "lock").symlink_to(target)
    with pytest.raises(StoreFault):
        await FileStore(folder).put("CA1", _entry())
    assert target.read_text() == "words"


async def test_drafts_of_killed_tasks_are_swept(tmp_path: Path) -> None:
    """Whatever was being written when a task was killed."""
    folder = tmp_path / "calls"
    folder.mkdir(mode=0o700)
    (folder / f"{'0' * 64}.abc.draft").write_bytes(b"a word")
    (folder / "notes").write_bytes(b"somebody's own")
    await FileStore(folder).get("CA1")
    assert sorted(file.name for file in folder.iterdir()) == ["lock", "notes"]


async def test_a_lock_that_somebody_keeps_is_given_up(tmp_path: Path) -> None:
    """Reading needs none; writing is given up by the thread as well, and works again when the lock is free."""
    folder = tmp_path / "calls"
    shelf = FileStore(folder)
    await shelf.put("CA1", _entry())
    with (folder / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreFault, match="TimeoutError"):
            await shelf.put("CA1", _entry(b"new"))
        assert await shelf.get("CA1") is not None
    assert await shelf.put("CA1", _entry(b"new"))


async def _refused(code: str) -> AsyncIterator[str]:
    """Serve a DynamoDB that refuses everything."""
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
    """The role lacks a permission, or the table is not there: an operator is told which, and the call goes on."""
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
    """The network drops everything: each question has its answer in time."""
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
