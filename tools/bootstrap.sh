#!/bin/sh
# Run the bootstrap with whatever Python (3.9 or newer) is at hand; it finds or fetches the 3.12 that we need.
# Called from / because pyenv's shims refuse to run where a .python-version names a version that is not installed.
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
cd /
for python in "${PYTHON:-python3}" python3.12 python3.14 python3.13 python3.11 python3.10 python3.9 python /usr/bin/python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
        PYTHONPATH=$root exec "$python" -m tools.bootstrap "$@"
    fi
done
echo "  This needs Python 3.12 (or any Python from 3.9 on, to fetch it). No Python was found." >&2
echo "  Debian, Ubuntu: apt install python3.  Fedora: dnf install python3.  macOS: brew install python@3.12." >&2
exit 1
