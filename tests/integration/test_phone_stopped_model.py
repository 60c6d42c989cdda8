"""Fault 12: SIGSTOP stops the model's process during a call, and the caller hangs up."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import House
from tests.support import ledger
from tests.support.caller import Caller
from tests.support.phone_process import PhoneProcess
from tests.support.virtual import stop
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEARDOWN_SECONDS = 5.0


@asynccontextmanager
async def _model(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """Run the stand-in as a process that a test can stop; return the settings that point a service at it."""
    options = ("--backend", "tones", "--port", "0", "--control-port", "0", "--certs", str(folder))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "standins.nova", *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        _banner, listening = [json.loads(await asyncio.wait_for(process.stdout.readline(), 20)) for _ in range(2)]
        yield (
            process,
            {
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": listening["url"],
                "AWS_SECRET_ACCESS_KEY": "standin-secret",
                "SSL_CERT_FILE": listening["bundle_file"],
            },
        )
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        await process.wait()


async def test_fault_12_a_model_that_is_stopped_holds_nobody_up(house: House, tmp_path: Path) -> None:
    """The call ends at once, and the service releases everything within five seconds."""
    async with _model(tmp_path) as (model, settings), house.start_phone("stopped", **settings) as phone:
        async with Caller(house.exchange, phone.url) as first:
            await first.greeted()
        await phone.record(first.sid)
        before = ledger.Held.by(phone.process.pid)
        async with Caller(house.exchange, phone.url) as caller:
            await caller.greeted()
            stop(model.pid)
            await caller.speak(1500)
            await caller.hang_up()
            left = asyncio.get_running_loop().time()
            record = await phone.record(caller.sid, TEARDOWN_SECONDS)
            assert record["reason"] == "caller_hung_up"
            await until(lambda: _is_idle(phone), TEARDOWN_SECONDS)
            assert asyncio.get_running_loop().time() - left < TEARDOWN_SECONDS
        lines = phone.lines_of(caller.sid)
        ledger.one_end_for_each(lines, [caller.sid])
        ledger.log_is_clean(lines)
        await until(lambda: ledger.Held.by(phone.process.pid).descriptors <= before.descriptors + 2)
        ledger.nothing_is_held(before, ledger.Held.by(phone.process.pid))


async def _is_idle(phone: PhoneProcess) -> bool:
    return await phone.sessions() == 0
