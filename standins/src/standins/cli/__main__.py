"""`python -m standins.cli` is `voice-agent`, for whoever has no scripts on the path."""

import sys

from standins.cli import main

if __name__ == "__main__":
    sys.exit(main())
