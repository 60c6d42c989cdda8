"""`voice-agent`: start everything on this machine, and call it."""

import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

_COMMANDS: Final = {
    "run": "start the phone agent and everything it needs on this machine",
    "call": "call it, or a deployed one, and see what happens",
    "doctor": "find out why it does not answer: accounts, keys, network, clock, numbers",
    "bench": "measure it beside a stock Pipecat phone agent",
    "deploy": "make an environment in AWS, or bring it up to date",
    "deploy-plan": "show what deploy would do, and do nothing",
    "destroy": "take an environment away",
}
_MODULES: Final = {
    "run": "voice_agent.run.command",
    "call": "voice_agent.call.command",
    "doctor": "doctor.doctor",
    "bench": "voice_agent.bench.command",
    "deploy": "deployment.deploy",
    "deploy-plan": "deployment.deploy_plan",
    "destroy": "deployment.destroy",
}
"""Where each command is; the packages `deployment` and `doctor` are known by name only."""
_USAGE_ERROR: Final = 2
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Each lives in a module of its name with a `main(arguments) -> exit code`."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in {"-h", "--help"}:
        sys.stdout.write("usage: voice-agent COMMAND …\n\n")
        sys.stdout.writelines(f"  {name:<13}{what}\n" for name, what in _COMMANDS.items())
        sys.stdout.write("\n`voice-agent COMMAND --help` lists a command's options.\n")
        return 0 if given else _USAGE_ERROR
    if given[0] not in _COMMANDS:
        sys.stderr.write(f"voice-agent: no command {given[0]!r}; there are {', '.join(_COMMANDS)}\n")
        return _USAGE_ERROR
    # Loading a command takes a second. Python would answer a Ctrl-C with the place in some library that it had reached.
    loading = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if loading:
        signal.signal(signal.SIGINT, _leave)
    module = _MODULES[given[0]]
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        sys.stderr.write(f"voice-agent: {given[0]} needs a checkout of the repository\n")
        return _USAGE_ERROR
    command = importlib.import_module(module)
    if loading:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code: int = command.main(given[1:])
    return code


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has begun that would have to be ended in order."""
    os._exit(_INTERRUPTED)
