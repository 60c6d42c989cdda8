"""Run the AWS CLI without loading it each time: load its code once, and fork for each command.

It is run as ``python warm_aws.py SOCKET``. Each connection to the socket is one command: a line of JSON with its
arguments, environment and folder, and descriptors for its standard streams. The response is its exit code. Closing
standard input ends this program.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from typing import NoReturn

from awscli import clidriver  # type: ignore[import-untyped]

_MOST_BYTES = 262_144
_DATA = os.environ["AWS_DATA_PATH"]
"""Where the CLI finds its own data: importing it sets this variable."""


def _serve(listener: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing waits for a command here: its caller gets the exit code
    while True:
        ready, _, _ = select.select([0, listener.fileno()], [], [])
        if 0 in ready:
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _run(connection)
        connection.close()


def _run(connection: socket.socket) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        message, streams, _, _ = socket.recv_fds(connection, _MOST_BYTES, 3)
        while not message.endswith(b"\n") and (more := connection.recv(_MOST_BYTES)):
            message += more
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        wanted = json.loads(message)
        os.environ.clear()
        os.environ.update({"AWS_DATA_PATH": _DATA} | wanted["environment"])
        os.chdir(wanted["folder"])
        sys.argv[:] = ["aws", *wanted["arguments"]]
        code = clidriver.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - as at the top of any program
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(f"{code}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    clidriver.create_clidriver()  # imports the plug-ins
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{sys.argv[1]}.made")
        listening.listen(64)
        os.rename(f"{sys.argv[1]}.made", sys.argv[1])  # noqa: PTH104 - who sees the socket can connect
        _serve(listening)
