"""Faults 6 and 7 on the telephone: a call of 25 minutes by the model's clock, through the service as it ships."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from standins.nova.server import NovaSettings, NovaStandin
from standins.twilio import mulaw
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.support import ledger
from tests.support.caller import Caller
from tests.support.numbered import LOUD, QUIET, frame
from tests.support.phone_process import phone_process
from tests.support.score import Score
from tests.support.waiting import until

SCALE = 40
"""Eight minutes pass in twelve seconds, 25 in 38."""


@pytest_asyncio.fixture
async def nova(tmp_path: Path) -> AsyncIterator[NovaStandin]:
    """Run the model with a fast clock."""
    async with NovaStandin(
        NovaSettings(certificates=tmp_path, keep_sound=True, clock_scale=SCALE), Score().backend()
    ) as it:
        yield it


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    """Run the telephone network."""
    async with TwilioExchange(ExchangeSettings()) as running:
        yield running


class Line:
    """A caller who sends numbered audio, loud while speaking."""

    def __init__(self, caller: Caller) -> None:
        self.amplitude = QUIET
        self._caller = caller
        self._sent = 0

    async def send(self) -> None:
        """Send 20 ms at a time until cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            self._caller.call.hear_frame(mulaw.encode(frame(self._sent, self.amplitude)))
            self._sent += 1
            await asyncio.sleep(began + self._sent * 0.02 - loop.time())

    async def ask(self) -> None:
        """Speak, and wait until the answer has been played."""
        played = len(self._caller.timeline.named("mark"))
        until_sent = self._sent + 15
        self.amplitude = LOUD
        await until(lambda: self._sent >= until_sent)
        self.amplitude = QUIET
        await self._caller.until("mark", 10, count=played + 1)


async def test_fault_06_a_call_of_twenty_five_minutes_keeps_its_thread(
    nova: NovaStandin, exchange: TwilioExchange, tmp_path: Path
) -> None:
    """Over four streams and more, no audio of the caller is lost, and the last stream has the whole history."""
    settings = {"NOVA_SONIC_RENEW_SECONDS": str(360 / SCALE), "IDLE_PROMPT_SECONDS": "0"}
    async with phone_process(nova, exchange, tmp_path / "phone.jsonl", settings) as phone:
        async with Caller(exchange, phone.url) as first:
            await first.greeted()
        await phone.record(first.sid)
        before = ledger.Held.by(phone.process.pid)
        async with Caller(exchange, phone.url) as caller:
            await caller.greeted()
            line = Line(caller)
            sending = asyncio.create_task(line.send())
            began = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - began < 16:
                await line.ask()
                await asyncio.sleep(1.5)
            await asyncio.sleep(14)  # both are silent, for longer than a stream lives
            await line.ask()
            await until(lambda: asyncio.get_running_loop().time() - began > 1500 / SCALE, 20)
            await line.ask()
            sending.cancel()
            await asyncio.wait({sending})
        record = await phone.record(caller.sid)
        sessions = [nova.ledger.sessions[name] for name in phone.model_sessions(caller.sid)]
        assert (record["reason"], record["phrases"]) == ("caller_hung_up", 0)
        assert record["renewals"] >= 3
        assert record["model_streams"] == record["renewals"] + 1 == len(sessions)
        assert [session.end_reason for session in sessions] == ["session_end"] * len(sessions)
        assert max((session.ended_at or 0) - session.opened_at for session in sessions) < 480 / SCALE
        assert tuple(sessions[-1].history[0]) == ("USER", "turn 1")
        ledger.one_end_for_each(phone.lines_of(caller.sid), [caller.sid])
        ledger.streams_are_closed(nova.ledger, phone.model_sessions(caller.sid))
        ledger.sound_arrived([bytes(session.sound or b"") for session in sessions])
        ledger.log_is_clean(phone.lines_of(caller.sid), ["turn 1", "Hz for"])
        await until(lambda: ledger.Held.by(phone.process.pid).descriptors <= before.descriptors + 2)
        ledger.nothing_is_held(before, ledger.Held.by(phone.process.pid))
