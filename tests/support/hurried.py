"""A service that finds the conversations of a killed task sooner: ``python -m tests.support.hurried phone_agent``.

As it ships, a visitor may return for ten minutes and a task counts as gone after one. The waits are skipped in tests,
but all that runs meanwhile is not: audio, pings and metrics of several processes took three minutes.
"""

import importlib
import runpy
import sys
from typing import Final

HASTE: Final = 10.0
_PLACES: Final = {
    "agent_core.lost_records": ("BEAT_SECONDS", "SWEEP_SECONDS"),
    "agent_core.open_conversations": ("SILENT_SECONDS",),
    "webrtc_agent.returning": ("KEPT_SECONDS",),
}


def hurry(service: str) -> None:
    """Shorten the waits of a service in this process."""
    for name, constants in _PLACES.items():
        if name.startswith(("agent_core.", f"{service}.")):
            module = importlib.import_module(name)
            for constant in constants:
                setattr(module, constant, getattr(module, constant) / HASTE)


if __name__ == "__main__":
    program = sys.argv.pop(1)
    hurry(program)
    runpy.run_module(program, run_name="__main__", alter_sys=True)
