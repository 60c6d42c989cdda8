"""Run the phone service: ``python -m phone_agent``."""

import os
import signal
import sys

from agent_core import lean_imports
from agent_core.errors import ConfigurationError


def main() -> int:
    """Run the service; report a missing setting in one line."""
    # The server handles signals once it serves, but loading takes a second or two. As a container's first process,
    # Linux would not deliver a signal without a handler. Nothing has started yet, so the process exits at once, without
    # a traceback from whatever library was being imported.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # Pipecat prints a greeting to standard error on import, unless its logger has no sink yet.
    os.environ.setdefault("LOGURU_AUTOINIT", "False")
    lean_imports.install()
    from phone_agent import serve  # noqa: PLC0415 - after the lines above

    # From here on an exit must run the clean-up of what has been imported.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        serve.run()
    except ConfigurationError as error:
        sys.stderr.write(f"phone-agent: {error.reason}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
