"""Code that every Python of the tests loads first: the tests put this folder on PYTHONPATH.

It closes the network, and moves the process to the clock that the tests share, if that clock is virtual at the time. A
process that starts while the clock runs at the machine's speed remains unchanged, uvloop included.
"""

import os
import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import offline  # type: ignore[import-not-found]  # noqa: E402, F401 - found in this folder; closes the network
import virtual_clock  # type: ignore[import-not-found]  # noqa: E402 - as above

if path := os.environ.get(virtual_clock.VARIABLE):
    virtual_clock.join(path)
