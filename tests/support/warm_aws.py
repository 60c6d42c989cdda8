"""The AWS CLI as a command ``aws`` that does not load its code each time, see ``tests/preload/warm_aws.py``.

It takes a second of a core to load, and a guide for operators runs it a hundred times. What runs is the CLI as it is
installed, with the arguments, environment, folder and streams of the command.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PROGRAM: Final = Path(__file__).parents[1] / "preload/warm_aws.py"
_LOAD_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 20.0
_COMMAND: Final = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    wanted = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}
    message = json.dumps(wanted).encode() + b"\\n"
    sent = socket.send_fds(connection, [message], [0, 1, 2])
    connection.sendall(message[sent:])
    code = connection.makefile().readline()
sys.exit(int(code or 1))
"""


@contextmanager
def warm_aws(folder: Path) -> Iterator[Path]:
    """Yield a folder for PATH with the command ``aws``.

    Args:
        folder: An empty folder, with a short path: it contains a socket.
    """
    address, command = folder / "socket", folder / "aws"
    with subprocess.Popen([sys.executable, _PROGRAM, address], stdin=subprocess.PIPE) as program:
        try:
            deadline = time.monotonic() + _LOAD_SECONDS
            while not address.exists():
                assert program.poll() is None, "the AWS CLI could not be loaded; see the output above"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            command.write_text(_COMMAND.format(python=sys.executable, address=str(address)), encoding="utf-8")
            command.chmod(0o755)
            yield folder
        finally:
            program.communicate(timeout=_STOP_SECONDS)
