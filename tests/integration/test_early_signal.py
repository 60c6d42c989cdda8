"""A service that is told to stop before it serves."""

import asyncio
import signal
import sys

import pytest


@pytest.mark.parametrize("module", ["phone_agent", "webrtc_agent"])
async def test_a_service_that_still_loads_leaves_in_good_order(module: str) -> None:
    """It handles the signal itself; by the system's way of it, it would die of it, or not notice as a first process."""
    program = (
        "import os, signal, sys\n"
        f"from {module} import __main__\n"
        "class Stop:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == '{module}.serve': os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Stop())\n"
        "sys.exit(__main__.main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    async with asyncio.timeout(30):
        assert await process.wait() == 0, signal.Signals(-(process.returncode or 0))
