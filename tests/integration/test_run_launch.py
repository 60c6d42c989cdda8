"""`voice-agent run` owns its children: it waits for them, reports an exit, and leaves none behind.

Small programs replace the agent and a stand-in; the signals are real.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from voice_agent.run.launch import launch
from voice_agent.run.parts import MisconfiguredError, Part, Program
from voice_agent.run.plan import Plan
from voice_agent.run.ports import check_ports, free_port
from voice_agent.run.process import ChildError
from voice_agent.run.state import AlreadyRunningError, left_behind, only_one, write_state

CHILD = """
import http.server, json, signal, sys, threading, time

port, how = int(sys.argv[1]), sys.argv[2]
print(json.dumps({"event": "started", "how": how}), flush=True)
if how == "dies":
    sys.exit("no such model")


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if how == "sick" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", port), Health)
if how == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    def leave(*_):
        print(json.dumps({"event": "stopped"}), flush=True)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, leave)
if how == "dies_later":
    threading.Timer(0.5, lambda: __import__("os")._exit(7)).start()
server.serve_forever()
"""


@dataclass
class House:
    """A folder with a child program, and the output so far."""

    folder: Path
    said: list[str]

    def program(self, name: str, how: str = "lives", *, start_seconds: float = 20, stop_seconds: float = 5) -> Program:
        """Describe a child with a certain behaviour."""
        port = free_port()
        return Program(
            name=name,
            module="pretend_child",
            arguments=(str(port), how),
            environment={"PYTHONPATH": str(self.folder), "PATH": os.environ["PATH"]},
            health=f"http://127.0.0.1:{port}/health",
            ports=(port,),
            start_seconds=start_seconds,
            stop_seconds=stop_seconds,
        )

    def plan(self, agent: Program, *standins: Program) -> Plan:
        """Return a plan with these programs."""
        parts = [Part(name, "pretend", "http://127.0.0.1:1", real=False) for name in ("page", "calls", "telephone")]
        edge = self.program("edge")
        return Plan(standins, [agent], edge, parts, "http://127.0.0.1:1", {"base_url": "http://127.0.0.1:1"})

    def pids(self) -> dict[str, int]:
        """Read the state file."""
        pids: dict[str, int] = json.loads((self.folder / "run.json").read_text())["pids"]
        return pids

    async def running(self) -> dict[str, int]:
        """Wait until all programs are ready."""
        async with asyncio.timeout(150):
            while not (self.folder / "run.json").exists():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.05)
        return self.pids()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Return a folder with the child program."""
    (tmp_path / "pretend_child.py").write_text(textwrap.dedent(CHILD))
    yield House(tmp_path, [])
    assert not (tmp_path / "run.json").exists()


def alive(pid: int) -> bool:
    """Return whether a process is alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_command_runs_when_all_is_ready_and_gives_the_exit_code(house: House) -> None:
    """`--then` sees the state file, which only its owner can read; its exit code ends the run."""
    plan = house.plan(house.program("phone-agent"), house.program("nova"), house.program("weather"))
    state, copy = house.folder / "run.json", house.folder / "copy.json"
    code = await launch(plan, house.folder, house.said.append, then=f"cp -p {state} {copy}; exit 5")
    assert code == 5
    assert copy.stat().st_mode & 0o777 == 0o600
    pids = json.loads(copy.read_text())["pids"]
    assert set(pids) == {"voice-agent", "nova", "weather", "phone-agent", "edge"}
    assert not any(alive(pid) for name, pid in pids.items() if name != "voice-agent")


async def test_standins_are_ready_before_the_agent_starts_and_stop_after_it(house: House) -> None:
    """The stand-ins are ready before the agent starts, which needs their certificate, and stop after it."""
    plan = house.plan(house.program("phone-agent"), house.program("nova"))
    await launch(plan, house.folder, house.said.append, then="true")
    lines = [line[9:] if line[2:3] == ":" else line for line in house.said]
    order = [
        next(index for index, line in enumerate(lines) if line.startswith(start))
        for start in (
            *("nova is ready", "starting phone-agent", "phone-agent is ready", "starting edge"),
            *("phone-agent stopped", "nova        stopped"),
        )
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_everything(house: House, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end the run without an error."""
    plan = house.plan(house.program("phone-agent"), house.program("nova"))
    running = asyncio.create_task(launch(plan, house.folder, house.said.append))
    pids = await house.running()
    os.kill(os.getpid(), number)
    assert await running == 0
    assert not alive(pids["phone-agent"])
    assert not alive(pids["nova"])


async def test_a_second_signal_does_not_wait(house: House) -> None:
    """A second Ctrl-C ends the run at once, whatever the agent still does."""
    plan = house.plan(house.program("phone-agent", "stubborn", stop_seconds=60))
    running = asyncio.create_task(launch(plan, house.folder, house.said.append))
    pids = await house.running()
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.2)
    async with asyncio.timeout(60):
        assert await running == 0
    await asyncio.sleep(0.1)
    assert not alive(pids["phone-agent"])


async def test_who_does_not_stop_is_ended(house: House) -> None:
    """The run kills a child that ignores SIGTERM, after a deadline."""
    plan = house.plan(house.program("phone-agent", "stubborn", stop_seconds=0.3))
    async with asyncio.timeout(100):
        assert await launch(plan, house.folder, house.said.append, then="true") == 0


@pytest.mark.parametrize("how", ["dies", "dies_later"])
async def test_a_death_is_reported_with_last_words_and_stops_the_rest(house: House, how: str) -> None:
    """The run reports a child's exit with its last output and stops the other programs."""
    plan = house.plan(house.program("phone-agent", how), house.program("nova"))
    with pytest.raises(ChildError, match=r"phone-agent was ended with exit code \d") as failure:
        await launch(plan, house.folder, house.said.append)
    assert ("no such model" if how == "dies" else "started") in str(failure.value)
    assert str(failure.value).count("\n") == 2, "the line that says why, and where the whole log is"
    assert any("nova" in line and "stopped" in line for line in house.said)


async def test_who_does_not_become_ready_is_reported(house: House) -> None:
    """The run reports a child whose health check does not pass before the deadline."""
    plan = house.plan(house.program("phone-agent", "sick", start_seconds=1.0))
    with pytest.raises(ChildError, match="did not answer at http"):
        await launch(plan, house.folder, house.said.append)


def test_a_taken_port_is_named_before_anything_starts(house: House) -> None:
    """The run names a port in use before it starts anything, and says how to choose another."""
    agent = house.program("phone-agent")
    check_ports(house.plan(agent))
    taken = rf"port {agent.ports[0]} is in use \(phone-agent\): .* --phone-port"
    with socket.create_server(("127.0.0.1", agent.ports[0])), pytest.raises(MisconfiguredError, match=taken):
        check_ports(house.plan(agent))


def test_what_a_killed_run_left_is_named(house: House) -> None:
    """The run names the children that an earlier, killed run left behind."""
    agent = house.program("phone-agent")
    write_state(house.folder, {}, {"phone-agent": 123})
    hint = left_behind(house.folder)
    with (
        socket.create_server(("127.0.0.1", agent.ports[0])),
        pytest.raises(MisconfiguredError, match="phone-agent 123"),
    ):
        check_ports(house.plan(agent), hint)
    (house.folder / "run.json").unlink()
    assert left_behind(house.folder) == ""


def test_a_second_one_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """A second run in the same folder fails and prints the first one's URL; a dead run does not block it."""
    with only_one(tmp_path):
        (tmp_path / "run.json").write_text('{"base_url": "http://127.0.0.1:7860"}')
        with pytest.raises(AlreadyRunningError, match="already running here, at http"), only_one(tmp_path):
            pass
    with only_one(tmp_path):
        pass


async def test_the_command_line_explains_half_a_setting(tmp_path: Path) -> None:
    """An incomplete setting in `.env` causes one line and exit code 1, not a traceback."""
    (tmp_path / ".env").write_text("TWILIO_AUTH_TOKEN=abc\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TWILIO_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from voice_agent.command_line import main; sys.exit(main(['run', '--weather', 'standin']))",
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert (process.returncode, output.decode().count("\n")) == (1, 1)
    assert "TWILIO_AUTH_TOKEN is set without" in output.decode()
