"""Start services without loading their code each time: load one service's code once, and fork for each start.

It is run as ``python warm_start.py MODULE SOCKET``. Each connection to the socket requests one process: a line of JSON
with its environment and folder, and a descriptor for its output. The response is the process id, and, when the process
has ended, its exit code. Closing standard input ends this program and everything it has started.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from typing import Any, NoReturn

_MOST_BYTES = 262_144
_DIE_WITH_PARENT = 1
"""Linux's PR_SET_PDEATHSIG."""
_LOADED_BY = {"phone_agent": "phone_agent.serve", "webrtc_agent": "webrtc_agent.serve"}
"""The module with all of a service's code, which ``python -m`` loads last."""


class WarmStart:
    """The program: one loop over its socket, its children and its standard input."""

    def __init__(self, module: str, listener: socket.socket) -> None:
        self._module = module
        self._listener = listener
        self._children: dict[int, tuple[int, socket.socket]] = {}
        """By descriptor: a child's process id and the connection that requested it."""

    def run(self) -> None:
        """Serve until standard input is closed."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._listener, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == 0:
                    return
                if descriptor == self._listener.fileno():
                    poll.register(self._start(), select.POLLIN)
                else:
                    poll.unregister(descriptor)
                    self._ended(descriptor)

    def kill_all(self) -> None:
        """Kill the remaining children."""
        for pid, _ in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _start(self) -> int:
        connection, _ = self._listener.accept()
        message, (output,), _, _ = socket.recv_fds(connection, _MOST_BYTES, 1)
        while not message.endswith(b"\n"):
            message += connection.recv(_MOST_BYTES)
        pid = os.fork()
        if not pid:
            connection.close()
            self._be(json.loads(message), output)
        os.close(output)
        connection.sendall(b"%d\n" % pid)
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = pid, connection
        return descriptor

    def _be(self, wanted: dict[str, Any], output: int) -> NoReturn:
        """Become the service, in the child."""
        code: object = 1
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            self._listener.close()
            for descriptor, (_, connection) in self._children.items():
                os.close(descriptor)
                connection.close()
            os.environ.clear()
            os.environ.update(wanted["environment"])
            os.chdir(wanted["folder"])
            sys.argv = [self._module, *wanted["arguments"]]
            try:
                runpy.run_module(self._module, run_name="__main__", alter_sys=True)
            except SystemExit as end:
                code = end.code
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code if isinstance(code, int) else 0 if code is None else 1)

    def _ended(self, descriptor: int) -> None:
        pid, connection = self._children.pop(descriptor)
        _, status = os.waitpid(pid, 0)
        os.close(descriptor)
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def main(module: str, path: str) -> None:
    """Load the code, then serve."""
    os.environ["LOGURU_AUTOINIT"] = "False"  # as the services' own start does before it loads the rest
    importlib.import_module(_LOADED_BY[module])
    gc.collect()
    gc.freeze()  # otherwise each child would copy every page that its collector visits
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        warm = WarmStart(module, listener)
        try:
            warm.run()
        finally:
            warm.kill_all()


if __name__ == "__main__":
    main(*sys.argv[1:])
