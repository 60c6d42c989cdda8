"""A connection is closed completely, in any state and after any cancellation."""

import asyncio
import time

import pytest
from aioice import ice

from tests.support.waiting import until
from webrtc_agent import connection
from webrtc_agent.connection import LOOKUP_SECONDS, AudioOnlyConnection
from webrtc_agent.request_schemas import Candidate


async def test_a_close_that_is_given_up_goes_on(answered: AudioOnlyConnection) -> None:
    """Pipecat cancels its own close: the next one waits for the same, and everything is released."""
    first = asyncio.create_task(answered.disconnect())  # type: ignore[no-untyped-call]
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(connection.CLOSE_SECONDS):
        await answered.disconnect()  # type: ignore[no-untyped-call]
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_connection_that_is_closed_twice_is_closed_once(answered: AudioOnlyConnection) -> None:
    """A second close of a connection does nothing."""
    await connection.close(answered)
    async with asyncio.timeout(0.1):
        await connection.close(answered)


class Names:
    """A network that answers no name query, unless the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.known: dict[str, str] = {}
        self.failure: Exception | None = None

    async def resolve(self, name: str) -> str | None:
        """Look up a name, for longer than any deadline."""
        self.asked.append((name, time.monotonic()))
        if name not in self.known:
            await asyncio.sleep(60)
        return self.known.get(name)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Replace aioice's name look-up."""
    made = Names()

    async def find(_subscriber: object) -> Names:
        if made.failure is not None:
            raise made.failure
        return made

    monkeypatch.setattr(ice, "get_or_create_mdns_protocol", find)
    return made


def _named(*hosts: str) -> list[Candidate]:
    return [Candidate(candidate=f"candidate:1 1 udp 1 {host} 5{at:04} typ host") for at, host in enumerate(hosts)]


def _tried(answered: AudioOnlyConnection) -> list[str]:
    [transceiver] = answered.pc.getTransceivers()
    return [one.ip for one in transceiver.receiver.transport.transport.getRemoteCandidates()]


async def test_names_are_looked_up_at_once_and_hold_up_nothing(answered: AudioOnlyConnection, names: Names) -> None:
    """Twelve look-ups share one deadline, and candidates with addresses are tried at once."""
    names.known["known.local"] = "127.0.0.9"
    began = time.monotonic()
    unknown = [f"n{number}.local" for number in range(12)]
    await connection.add(answered, _named(*unknown, "known.local", "127.0.0.8"))
    assert time.monotonic() == began
    assert "127.0.0.8" in _tried(answered)
    await until(lambda: "known.local" in _tried(answered))
    assert names.asked == [(name, began) for name in [*unknown, "known.local"]]
    await asyncio.sleep(LOOKUP_SECONDS)
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("lookup")] == []
    await connection.close(answered)


async def test_a_connection_that_closes_looks_up_nothing_more(answered: AudioOnlyConnection, names: Names) -> None:
    """A connection that closes cancels its look-ups."""
    await connection.add(answered, _named("unknown.local"))
    await until(lambda: bool(names.asked))
    await connection.close(answered)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_a_machine_without_names_goes_on(answered: AudioOnlyConnection, names: Names) -> None:
    """If another program has the port of mDNS, addresses still work."""
    names.failure = OSError("address in use")
    await connection.add(answered, _named("some.local", "127.0.0.8"))
    await until(lambda: not any(task.get_name().startswith("lookup") for task in asyncio.all_tasks()))
    assert "127.0.0.8" in _tried(answered)
    await connection.close(answered)
