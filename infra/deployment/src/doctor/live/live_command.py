"""Runs the live probes: shows the cost, asks for consent, prints a row per probe, and records the raw events."""

import asyncio
import wave
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from agent_core import announcements
from agent_core.nova import wire
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.http2.client import Http2ModelClient
from agent_core.nova.sdk import SdkModelClient
from deployment.console import CheckMark, Screen
from deployment.cost import measured
from doctor.live import account_probes, model_probes, transport_probe
from doctor.live.account_probes import endpoint_of
from doctor.live.model_exchange import RATE
from doctor.live.model_probes import ModelProbes
from doctor.live.probe_result import ProbeResult
from doctor.live.recording import EventRecording
from doctor.options import DoctorOptions
from doctor.surroundings import MachineState

MOST_DOLLARS: Final = 1.0
_SECONDS: Final = 540.0
"""Timeout for all probes of the model; those that do not measure time run concurrently."""
_MARKS: Final = {True: CheckMark.GOOD, False: CheckMark.CARE, None: CheckMark.UNSET}
_LEFT: Final = "P8 needs a person who calls your number: docs/howto/troubleshooting.md says what to look for"


def run(surroundings: MachineState, screen: Screen, given: DoctorOptions) -> int:
    """Ask for consent, run the probes and print the results; a difference is not an error, so it returns 0."""
    screen.title("voice-agent doctor --live")
    screen.row(
        CheckMark.STEP,
        "cost",
        f"at most about {MOST_DOLLARS:.0f} USD, on the accounts of this environment; ten minutes",
    )
    screen.row(
        CheckMark.STEP, "what", "streams to the model, a Daily room, two requests to the weather service; no call"
    )
    if not given.yes and (not screen.can_ask or screen.ask("Continue? [y/N]").lower() not in {"y", "yes"}):
        screen.row(
            CheckMark.STEP, "", "nothing was done" if screen.can_ask else "nothing was done; pass --yes to confirm"
        )
        return 1
    # The default is in .run, which may not exist yet.
    given.out.parent.mkdir(parents=True, exist_ok=True)
    recording = EventRecording(given.out, content=given.content)
    try:
        asked = _model(surroundings, recording)
        found = asyncio.run(probes(surroundings, asked, given.role))
    # Keep the events also if a probe crashes: they were paid for.
    finally:
        recording.close()
    show(found, screen)
    screen.row(CheckMark.STEP, "cost", costs(asked.usage))
    screen.row(CheckMark.STEP, "events", f"{given.out}{'' if given.content else ', without texts and audio'}")
    screen.row(CheckMark.STEP, "left", _LEFT)
    return 0


def show(found: Iterable[ProbeResult], screen: Screen) -> None:
    """Print a row for each probe."""
    for one in found:
        name, _, rest = one.probe.partition(" ")
        screen.row(_MARKS[one.assumed], name, f"{rest}: {one}" if rest else str(one))


def _model(surroundings: MachineState, recording: EventRecording) -> ModelProbes:
    client = SdkModelClient(
        region=surroundings.model_region, endpoint=endpoint_of(surroundings), credentials=CredentialSource()
    )
    return ModelProbes(client, surroundings.model, recording)


async def probes(surroundings: MachineState, asked: ModelProbes, role: str = "") -> list[ProbeResult]:
    """Run all probes. Those that measure time run first and alone; the idle probe only waits, beside the others."""
    # Measure first, while no other stream of ours uses the network.
    found = await model_probes.safely("P2", model_probes.answers(asked), _SECONDS / 6)
    waiting = asyncio.create_task(model_probes.safely("P5", model_probes.idleness(asked), _SECONDS))
    # Printed in the order of the numbers, whatever the order of execution.
    found = [
        *await model_probes.safely("P1", model_probes.histories(asked), _SECONDS / 2),
        *found,
        *await model_probes.safely("P3", model_probes.eight_kilohertz(asked, sentence()), 60),
        *await model_probes.safely("P4", model_probes.schemas(asked), _SECONDS / 3),
    ]
    found += await waiting
    # After the others: it opens a stream with other credentials.
    found += await model_probes.safely("P7", account_probes.role(surroundings, asked, role), 30)
    direct = Http2ModelClient(
        region=surroundings.model_region, endpoint=endpoint_of(surroundings), credentials=CredentialSource()
    )
    found += await model_probes.safely("P13", transport_probe.own_http2(asked, direct), 30)
    others = {
        "P9": account_probes.weather,
        "P10": account_probes.protection,
        "P11": account_probes.stored_keys,
        "P12": account_probes.daily,
    }
    for name, probe in others.items():
        found += await asyncio.to_thread(account_probes.safely, name, probe, surroundings)
    return found


def sentence() -> bytes:
    """Return a recorded sentence at 8 kHz: one of the announcements, so that no recording is needed."""
    with wave.open(str(Path(announcements.__file__).with_name("en") / "look_up.wav")) as file:
        # Averaging neighbouring samples is a good enough low-pass filter for a test.
        step, samples = file.getframerate() // RATE, np.frombuffer(file.readframes(file.getnframes()), np.int16)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    return bytes(whole.mean(axis=1).astype(np.int16).tobytes())


def costs(usage: Mapping[str, Sequence[wire.Usage]]) -> str:
    """Return the cost of each probe and of all; only those of the model cost anything."""
    dollars = {probe: spent(tokens) for probe, tokens in sorted(usage.items())}
    each = ", ".join(f"{probe} {cost:.3f}" for probe, cost in dollars.items())
    total = f"{sum(dollars.values()):.3f} USD, from the tokens that the model reported"
    return f"{total} ({each}; the others nothing)" if each else total


def spent(usage: Iterable[wire.Usage]) -> float:
    """Return the cost of the tokens in USD, by the prices of the deployment's estimate."""
    prices = measured()["dollars_for_1000_tokens"]
    return float(sum(getattr(one, kind) * price for one in usage for kind, price in prices.items()) / 1000)
