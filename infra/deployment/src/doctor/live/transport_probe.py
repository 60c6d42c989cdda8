"""Probe P13: whether the real service understands our own HTTP/2, before `NOVA_TRANSPORT=h2` is set."""

import dataclasses
import time
from typing import Final

from agent_core.causes import classify
from agent_core.errors import ModelError
from agent_core.nova import wire
from agent_core.nova.stream import ModelClient
from doctor.live.model_exchange import ModelExchange
from doctor.live.model_probes import ModelProbes
from doctor.live.probe_result import ProbeResult

_NAME: Final = "P13 own HTTP/2"
_SILENCE: Final = bytes(640)
_ANSWER_SECONDS: Final = 12.0


async def own_http2(model: ModelProbes, direct: ModelClient) -> list[ProbeResult]:
    """P13: hold a short conversation over our own HTTP/2, with 4 s of audio and an orderly end.

    Args:
        model: The model under test.
        direct: Opens streams over our own HTTP/2.
    """
    times: list[float] = []

    async def use(one: ModelExchange) -> None:
        began = time.monotonic()
        await one.introduce()
        await one.stream.ready()
        times.append(time.monotonic() - began)
        await one.listen()
        # A hundred events, each with a signature that continues the one before.
        await one.play(_SILENCE * 100)
        asked = time.monotonic()
        await one.ask("Say one short sentence about bread.")
        if await one.until(wire.AgentAudio, _ANSWER_SECONDS):
            times.append(time.monotonic() - asked)

    try:
        one = await dataclasses.replace(model, client=direct).open(_NAME, use)
    except ModelError as error:
        return [ProbeResult(_NAME, assumed=False, found=str(classify(error)))]
    if one.refused and one.error is not None:
        return [ProbeResult(_NAME, assumed=False, found=str(classify(one.error)))]
    if len(times) < 2:  # noqa: PLR2004 - headers and audio
        return [ProbeResult(_NAME, assumed=False, found=f"no audio within {_ANSWER_SECONDS:.0f} s")]
    return [ProbeResult(_NAME, assumed=True, found=f"headers after {times[0]:.2f} s, audio after {times[1]:.2f} s")]
