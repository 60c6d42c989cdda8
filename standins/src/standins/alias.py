"""Runs a program for which a host name means this machine: `python -m standins.alias --to 8443 -- python bot.py`.

Bedrock clients without a configurable endpoint connect to `bedrock-runtime.<region>.amazonaws.com`, port 443. The
program runs in its own network (Linux namespaces), in which that name is 127.0.0.1, port 443 is forwarded to a port of
this machine, and nothing else is reachable. It needs no root where user namespaces are allowed, uses no port of this
machine, and changes none of its files. The program must trust the certificate: `SSL_CERT_FILE` for Python,
`NODE_EXTRA_CA_CERTS` for Node.
"""

import argparse
import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Sequence

from standins.nova.local_authority import REGIONS

NAMES = tuple(f"bedrock-runtime.{region}.amazonaws.com" for region in REGIONS)
CANNOT = 125
"""Exit code if this machine does not allow such a network."""
_PORT = 443
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1
_IFF_UP, _SIOCSIFFLAGS = 0x1, 0x8914
_PIECE = 65_536


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m standins.alias", description=__doc__)
    parser.add_argument("--to", type=int, required=True, help="TLS port of the stand-in on this machine")
    parser.add_argument("--name", action="append", default=[], help="host name (default: Bedrock's, in every region)")
    parser.add_argument("command", nargs="+", help="the program and its arguments, after --")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the program, and return its exit code, or CANNOT."""
    options = arguments().parse_args(words)
    if not sys.platform.startswith("linux"):
        print("standins.alias needs Linux; elsewhere use Compose.", file=sys.stderr)  # noqa: T201 - a command
        return CANNOT
    # The child creates the listener inside its network and passes it back: only the parent can reach the stand-in.
    ours, theirs = socket.socketpair()
    if (program := os.fork()) == 0:
        ours.close()
        os._exit(_become(options.command, options.name or NAMES, theirs))
    theirs.close()
    with ours:
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        return _code(os.waitpid(program, 0)[1])
    return asyncio.run(_forward(socket.socket(fileno=descriptors[0]), options.to, program))


def _become(command: list[str], names: Sequence[str], outside: socket.socket) -> int:
    """Enter a network of its own, pass its port 443 to the parent, and execute the program."""
    try:
        _leave()
        _name_this_machine(names)
        _switch_loopback_on()
        with socket.create_server(("127.0.0.1", _PORT)) as listener:
            socket.send_fds(outside, [b"."], [listener.fileno()])
    except OSError as error:
        print(f"This machine does not allow a separate network ({error}).", file=sys.stderr)  # noqa: T201 - as above
        return CANNOT
    # Without this, the program would survive a launcher that is killed.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - running a given program is its purpose
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 127


def _leave() -> None:
    """Enter user, mount and network namespaces; inside the first, the process is root."""
    user, group = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS | os.CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - the kernel requires a single write
            file.write(text)
    # Otherwise the new /etc/hosts would appear outside as well.
    _mount("none", "/", _MS_REC | _MS_PRIVATE)


def _name_this_machine(names: Sequence[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix="-hosts") as hosts:
        hosts.write("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *names)))
        hosts.flush()
        os.chmod(hosts.name, 0o644)  # noqa: PTH101 - as readable as the file that it replaces
        _mount(hosts.name, "/etc/hosts", _MS_BIND)


def _mount(source: str, target: str, flags: int) -> None:
    if ctypes.CDLL(None, use_errno=True).mount(source.encode(), target.encode(), None, flags, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _switch_loopback_on() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


async def _forward(listener: socket.socket, port: int, program: int) -> int:
    """Forward connections from the program's network until the program exits."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, os.kill, program, number)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)
            back.close()
        writer.close()

    server = await asyncio.start_server(carry, sock=listener)
    # In a thread: waitpid blocks, and the loop must keep forwarding.
    _, status = await asyncio.to_thread(os.waitpid, program, 0)
    server.close()
    return _code(status)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
