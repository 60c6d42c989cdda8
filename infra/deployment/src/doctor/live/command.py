"""The command's half of the probes: cost and consent first, then a row each, and the file of raw events."""

import argparse
import asyncio
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from agent_core import announcements
from agent_core.nova import wire
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.sdk import SdkModelClient
from deployment.cost import measured
from deployment.screen import Mark, Screen
from doctor.live import accounts, model
from doctor.live.accounts import endpoint_of
from doctor.live.exchange import RATE
from doctor.live.model import Model
from doctor.live.recording import Recording
from doctor.live.verdict import Verdict
from doctor.surroundings import Surroundings

OUT: Final = ".run/doctor-live.jsonl"
MOST_DOLLARS: Final = 1.0
_SECONDS: Final = 540.0
"""All probes of the model: they run side by side where they do not measure time."""
_MARKS: Final = {True: Mark.GOOD, False: Mark.CARE, None: Mark.UNSET}
_LEFT: Final = "P8 needs a person who calls your number: docs/howto/when-it-does-not-answer.md says what to look for"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the probes."""
    live = parser.add_argument_group("probes of real accounts, which cost money")
    live.add_argument("--live", action="store_true", help="try what no public source settles: ten minutes, about 1 USD")
    live.add_argument("--out", type=Path, default=Path(OUT), help="file of raw events (default: %(default)s)")
    live.add_argument("--content", action="store_true", help="keep words and sound in that file")
    live.add_argument("--role", default="", metavar="ARN", help="P7: a role that may only bedrock:InvokeModel")


def run(surroundings: Surroundings, screen: Screen, given: argparse.Namespace) -> int:
    """Ask for consent, make the probes, and show what differs; 0 also where something does: it is no fault."""
    screen.title("voice-agent doctor --live")
    screen.row(
        Mark.STEP, "cost", f"about {MOST_DOLLARS:.0f} USD at most, on the accounts of this environment; ten minutes"
    )
    screen.row(Mark.STEP, "what", "streams to the model, a room at Daily, two requests to the weather service; no call")
    if not given.yes and (not screen.can_ask or screen.ask("Go on? [y/N]").lower() not in {"y", "yes"}):
        screen.row(Mark.STEP, "", "nothing was done; --yes agrees" if not screen.can_ask else "nothing was done")
        return 1
    given.out.parent.mkdir(parents=True, exist_ok=True)
    recording = Recording(given.out, content=given.content)
    try:
        asked = _model(surroundings, recording)
        found = asyncio.run(probes(surroundings, asked, given.role))
    finally:
        recording.close()
    show(found, screen)
    dollars = spent(asked.usage)
    screen.row(Mark.STEP, "cost", f"{dollars:.3f} USD by the tokens that the model reported")
    screen.row(Mark.STEP, "events", f"{given.out}{'' if given.content else ', without words and sound'}")
    screen.row(Mark.STEP, "left", _LEFT)
    return 0


def show(found: Iterable[Verdict], screen: Screen) -> None:
    """Write a row for each probe."""
    for one in found:
        name, _, rest = one.probe.partition(" ")
        screen.row(_MARKS[one.assumed], name, f"{rest}: {one}" if rest else str(one))


def _model(surroundings: Surroundings, recording: Recording) -> Model:
    client = SdkModelClient(
        region=surroundings.model_region, endpoint=endpoint_of(surroundings), credentials=CredentialSource()
    )
    return Model(client, surroundings.model, recording)


async def probes(surroundings: Surroundings, asked: Model, role: str = "") -> list[Verdict]:
    """Make all probes. What measures time comes first and alone; what only waits runs beside the rest."""
    found = await model.safely("P2", model.answers(asked), _SECONDS / 6)
    waiting = asyncio.create_task(model.safely("P5", model.idleness(asked), _SECONDS))
    found = [
        *await model.safely("P1", model.histories(asked), _SECONDS / 2),
        *found,
        *await model.safely("P3", model.eight_kilohertz(asked, sentence()), 60),
        *await model.safely("P4", model.schemas(asked), _SECONDS / 3),
    ]
    found += await waiting
    found += await model.safely("P7", accounts.role(surroundings, asked, role), 30)
    others = {"P9": accounts.weather, "P10": accounts.protection, "P11": accounts.stored_keys, "P12": accounts.daily}
    for name, probe in others.items():
        found += await asyncio.to_thread(accounts.safely, name, probe, surroundings)
    return found


def sentence() -> bytes:
    """Return a recorded sentence at 8 kHz: one that callers hear, so nothing has to be recorded."""
    with wave.open(str(Path(announcements.__file__).with_name("look_up.wav"))) as file:
        step, samples = file.getframerate() // RATE, np.frombuffer(file.readframes(file.getnframes()), np.int16)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    return bytes(whole.mean(axis=1).astype(np.int16).tobytes())


def spent(usage: Sequence[wire.Usage]) -> float:
    """Return what tokens cost, by the deployment's estimate."""
    prices = measured()["dollars_for_1000_tokens"]
    return float(sum(getattr(one, kind) * price for one in usage for kind, price in prices.items()) / 1000)
