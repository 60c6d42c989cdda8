"""`python -m voice_agent` is `voice-agent`, where no scripts are on the path."""

import sys

from voice_agent.command_line import main

if __name__ == "__main__":
    sys.exit(main())
