"""Run the web service: ``python -m webrtc_agent``."""

import os
import sys

from agent_core.errors import ConfigurationError


def main() -> int:
    """Run; says in one line what is missing."""
    # Pipecat greets whoever imports it on standard error, unless its log has no sink yet.
    os.environ.setdefault("LOGURU_AUTOINIT", "False")
    from webrtc_agent import serve  # noqa: PLC0415 - after the line above

    try:
        serve.run()
    except ConfigurationError as error:
        sys.stderr.write(f"webrtc-agent: {error.reason}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
