"""The agents under test, each in its own process."""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx

from standins.twilio.settings import ExchangeSettings
from voice_agent.bench.meter import Cores
from voice_agent.run.plan import agents_folder
from voice_agent.run.ports import free_port

READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 3.0
_TAIL: Final = 2000
_TWILIO: Final = ExchangeSettings()
_NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: a benchmark must not send traffic off this machine."""
_FOREIGN: Final = ("AWS_", "NOVA_", "TWILIO_", "OPEN_METEO_", "MEDIA_", "DAILY_", "ICE_", "CALL_ME_")


class NotReady(Exception):
    """An agent did not start."""


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent under test: its name in the table, its command, and variables of its own."""

    name: str
    command: tuple[str, ...]
    agents: Path | None = None
    """The folder of its agents' folders; None for that of this machine."""
    variables: tuple[tuple[str, str], ...] = ()
    web: bool = False
    """Whether browsers visit it, instead of callers on the telephone."""


_ISOLATED: Final = f"{sys.prefix}/isolated/client-pipecat/bin/python"
"""Pipecat's own service needs an older AWS SDK than ours: it runs in an environment of `make isolated-tools`."""
STOCK: Final = Contender(
    "stock",
    (_ISOLATED, str(Path(__file__).with_name("stock.py"))),
)
OURS: Final = Contender("ours", (sys.executable, "-m", "phone_agent"))
STOCK_WEB: Final = Contender(
    "stock",
    (_ISOLATED, "-m", "voice_agent.bench.stock_web"),
    # Nothing of the command is installed there; the reference agent imports no more of it than itself.
    variables=(("PYTHONPATH", str(Path(__file__).parents[2])),),
    web=True,
)
OURS_WEB: Final = Contender(
    "ours",
    (sys.executable, "-m", "webrtc_agent"),
    # All visits come from one address, and one after the other.
    variables=(
        ("TRANSPORT", "webrtc"),
        ("ICE_HOSTS", "127.0.0.1"),
        ("ARRIVALS_PER_ADDRESS", "1000"),
        ("RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS", "10000"),
        ("RATE_LIMIT_STARTS_PER_MINUTE", "10000"),
    ),
    web=True,
)
OVER_SDK_WEB: Final = replace(OURS_WEB, name="sdk", variables=(*OURS_WEB.variables, ("NOVA_TRANSPORT", "sdk")))
OVER_H2_WEB: Final = replace(OURS_WEB, name="h2", variables=(*OURS_WEB.variables, ("NOVA_TRANSPORT", "h2")))
OVER_SDK: Final = Contender("sdk", OURS.command, variables=(("NOVA_TRANSPORT", "sdk"),))
OVER_H2: Final = Contender("h2", OURS.command, variables=(("NOVA_TRANSPORT", "h2"),))


@dataclass(frozen=True, slots=True)
class Running:
    """A running agent."""

    base_url: str
    pid: int
    process: asyncio.subprocess.Process

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        return self.process.returncode is not None


@contextlib.asynccontextmanager
async def running(
    contender: Contender, *, model_url: str, roots: Path, cores: Cores, log: Path
) -> AsyncIterator[Running]:
    """Start an agent on its core, and stop it on exit.

    Raises:
        NotReady: it exited or did not answer in time; the message includes the end of its log.
    """
    if shutil.which(contender.command[0]) is None:
        raise NotReady(
            f"{contender.name}: its isolated environment is missing: `make bench` and `make isolated-tools` create it"
        )
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *contender.command,
            env=_environment(port, base_url, model_url, roots, contender.agents or agents_folder(os.environ))
            | dict(contender.variables),
            cwd=log.parent,
            stdout=output,
            stderr=output,
        )
    try:
        # Pinned before the agent starts its threads, which inherit the core.
        cores.pin(process.pid, cores.agent)
        agent = Running(base_url, process.pid, process)
        try:
            await _wait_until_ready(agent)
        except NotReady as error:
            raise NotReady(f"{contender.name}: {error}\n{_tail(log)}") from None
        yield agent
    finally:
        await _stop(process)


def _environment(port: int, base_url: str, model_url: str, roots: Path, agents: Path) -> dict[str, str]:
    # The developer's own settings could send calls to a real service or change what is measured.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return inherited | {
        "HOST": "127.0.0.1",
        "FAST_API_PORT": str(port),
        "PUBLIC_BASE_URL": base_url,
        "LOG_LEVEL": "INFO",
        "LOGURU_LEVEL": "INFO",
        "MAX_SESSIONS": "1000",
        "SSL_CERT_FILE": str(roots),
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": model_url,
        "AWS_ACCESS_KEY_ID": "standin",
        "AWS_SECRET_ACCESS_KEY": "standin-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TWILIO_ACCOUNT_SID": _TWILIO.account_sid,
        "TWILIO_AUTH_TOKEN": _TWILIO.auth_token,
        "TWILIO_API_BASE_URL": _NOWHERE,
        "OPEN_METEO_FORECAST_URL": _NOWHERE,
        "OPEN_METEO_GEOCODING_URL": _NOWHERE,
        "AGENTS_DIR": str(agents),
    }


async def _wait_until_ready(agent: Running) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while not agent.gone:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{agent.base_url}/health")).is_success:
                        return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise NotReady(f"not ready within {READY_SECONDS:.0f} s") from None
    raise NotReady(f"ended with code {agent.process.returncode}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL:].strip()
