"""Run `voice-agent` as `python -m voice_agent`, for environments whose scripts are not on the path."""

import sys

from voice_agent.command_line import main

if __name__ == "__main__":
    sys.exit(main())
