"""Run the web service: ``python -m webrtc_agent``."""

import os
import signal
import sys

from agent_core.errors import ConfigurationError


def main() -> int:
    """Run; says in one line what is missing."""
    # The server takes signals over when it serves. Loading it takes a second or two, and in a container, whose first
    # process this is, Linux would keep a signal from it that nobody handles.
    # Nothing has begun yet, so it ends at once, without the place in some library that Python had reached.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # Pipecat greets whoever imports it on standard error, unless its log has no sink yet.
    os.environ.setdefault("LOGURU_AUTOINIT", "False")
    from webrtc_agent import serve  # noqa: PLC0415 - after the line above

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        serve.run()
    except ConfigurationError as error:
        sys.stderr.write(f"webrtc-agent: {error.reason}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
