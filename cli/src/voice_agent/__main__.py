"""`python -m voice_agent` is `voice-agent`, for whoever has no scripts on the path."""

import sys

from voice_agent import main

if __name__ == "__main__":
    sys.exit(main())
