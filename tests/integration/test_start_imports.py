"""What the phone service imports until it answers: each import is start-up time of every task and memory of each."""

from dataclasses import replace
from pathlib import Path

import pytest

from voice_agent.bench.contender import OVER_H2, OVER_SDK, Contender, running
from voice_agent.bench.meter import Cores
from voice_agent.bench.model import ScriptedModel

NEVER = {
    "aiohttp.client",
    "aiortc",
    "av",
    "boto3",
    "daily",
    "dns.resolver",
    "llvmlite",
    "mcp",
    "numba",
    "onnxruntime",
    "openai",
    "opentelemetry.sdk",
    "PIL._imaging",
    "resampy",
    "scipy",
    "transformers",
}
"""Libraries of other channels, of settings that are off, and of what Pipecat can do for others."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("agent", "sdk"), [(OVER_SDK, True), (OVER_H2, False)])
async def test_a_start_imports_nothing_that_no_call_uses(agent: Contender, sdk: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Python logs each import of a real start; none is on the list, and the SDK only where it carries the streams."""
    noted = replace(agent, variables=(*agent.variables, ("PYTHONPROFILEIMPORTTIME", "1")))
    log = tmp_path / "start.log"
    async with (
        ScriptedModel(tmp_path) as model,
        running(noted, model_url=model.url, roots=model.roots, cores=Cores(frozenset(), frozenset()), log=log),
    ):
        lines = [line for line in log.read_text().splitlines() if line.startswith("import time:")]
    imported = {line.split("|")[-1].strip() for line in lines}
    assert "phone_agent.serve" in imported
    assert imported & NEVER == set()
    assert ("aws_sdk_bedrock_runtime.models" in imported) is sdk
