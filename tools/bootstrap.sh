#!/bin/sh
# Run the bootstrap with whatever Python (3.9 or newer) is at hand; it finds or fetches the 3.12 that we need.
# Called from / because pyenv's shims refuse to run where a .python-version names a version that is not installed.
# Ctrl-C while it loads ends it without the place in some library that Python had reached.
quietly='import os, runpy, signal
signal.signal(signal.SIGINT, lambda *_: os._exit(130))
runpy.run_module("tools.bootstrap", run_name="__main__", alter_sys=True)'
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
cd /
for python in "${PYTHON:-python3}" python3.12 python3.14 python3.13 python3.11 python3.10 python3.9 python /usr/bin/python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
        PYTHONPATH=$root exec "$python" -c "$quietly" "$@"
    fi
done
echo "  This needs Python 3.12 (or any Python from 3.9 on, to fetch it). No Python was found." >&2
echo "  Debian, Ubuntu: apt install python3.  Fedora: dnf install python3.  macOS: brew install python@3.12." >&2
exit 1
