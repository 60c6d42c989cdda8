"""The entry point of `voice-agent`. It imports little, so that Ctrl-C is safe from the first moment."""

import sys
from collections.abc import Sequence

from voice_agent.loading import INTERRUPTED, interruptible


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Ctrl-C can also come between the imports and the command's own handler, or while help is written.
    try:
        with interruptible():
            from voice_agent.program import invoke_program  # noqa: PLC0415 - typer takes a tenth of a second to import
        return invoke_program(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
