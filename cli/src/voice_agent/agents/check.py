"""Run the runtime's own check of agents' folders."""

import subprocess
import sys

from voice_agent.agents.options import CheckRequest


def check(request: CheckRequest) -> int:
    """Check, print the result, and return the exit code."""
    # As a program: the command calls the runtime from outside, as it calls the services.
    arguments = [*(str(path) for path in request.folders), *(["--json"] if request.as_json else [])]
    return subprocess.run([sys.executable, "-m", "agent_core.agents", *arguments], check=False).returncode  # noqa: S603
