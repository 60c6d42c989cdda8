"""A service that gets a signal before it serves."""

import asyncio
import signal
import sys

import pytest


@pytest.mark.parametrize("module", ["phone_agent", "webrtc_agent"])
async def test_a_service_that_still_loads_leaves_in_good_order(module: str) -> None:
    """A service that is still loading handles SIGTERM and exits cleanly.

    With the default handler the signal would kill it, or have no effect on PID 1.
    """
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
