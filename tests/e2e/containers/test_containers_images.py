"""The content of the images, and a service that starts in one as a task definition runs it."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.infra.test_task import variables
from tests.support.containers import ROOT, SERVICES, Engine
from tests.support.stacks import Deployed, deploy, pretend_aws, usual

_PLACES = ("--read-only", "--tmpfs", "/tmp")  # noqa: S108 - in the container
_RIGHTS = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "2g", "--pids-limit", "256")
HARDENED = (*_PLACES, *_RIGHTS)


def image(service: str) -> str:
    """Return the name of a service's image."""
    return f"voice-agent/{service}"


def run(engine: Engine, service: str, program: str) -> str:
    """Run a Python program in a service's image, without a network."""
    return engine(
        "run", "--rm", "--network", "none", *HARDENED, "--entrypoint", "python", image(service), "-c", program
    )


@pytest.fixture(scope="module")
def made() -> Deployed:
    """Deploy the stacks into a simulated AWS, whose resolved values a task gets."""
    with pretend_aws() as deployed:
        deploy(deployed, usual())
    return deployed


@contextmanager
def started(engine: Engine, service: str, environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Run a service's image; return the container and its address on this machine."""
    words = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    with engine.running(*HARDENED, "--publish", "127.0.0.1::7860", *words, image(service)) as name:
        yield name, f"http://{engine('port', name, '7860/tcp').strip()}"


def answered(engine: Engine, container: str, url: str, seconds: float = 60.0) -> httpx.Response:
    """Wait until a service responds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(engine.attempt("logs", container))


def hears_sigterm(status: str) -> bool:
    """Return whether a process handles the signal, from its status."""
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(("service", "kind"), [("phone-agent", "phone"), ("webrtc-agent", "web")])
def test_a_task_s_environment_starts_the_image(engine: Engine, made: Deployed, service: str, kind: str) -> None:
    """With the template's environment and a read-only root, the service answers and exits with 0 on SIGTERM."""
    with started(engine, service, variables(made, kind)) as (container, url):
        health = answered(engine, container, f"{url}/health")
        assert (health.status_code, health.json()) == (200, {"status": "healthy"})
        assert httpx.get(f"{url}/ready", trust_env=False).status_code == 200
        engine("stop", "--time", "30", container)
        (state,) = (each["State"] for each in engine.inspect(container))
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False), engine("logs", container)


@pytest.mark.parametrize(("service", "kind"), [("phone-agent", "phone"), ("webrtc-agent", "web")])
def test_a_service_that_is_told_to_stop_while_it_starts_does(
    engine: Engine, made: Deployed, service: str, kind: str
) -> None:
    """A service that gets SIGTERM while it starts exits at once.

    As PID 1 without a handler, it would ignore the signal until ECS kills it two minutes later. It handles the signal
    from our first line on; before that only the interpreter runs, and Linux delivers no signal to it.
    """
    with started(engine, service, variables(made, kind)) as (container, _):
        deadline = time.monotonic() + 30
        while not hears_sigterm(engine("exec", container, "cat", "/proc/1/status")):
            assert time.monotonic() < deadline, engine.attempt("logs", container)
        engine("stop", "--time", "30", container)
        assert engine.inspect(container)[0]["State"]["ExitCode"] == 0, engine("logs", container)


@pytest.mark.parametrize("service", SERVICES)
def test_everything_that_is_ours_loads_from_what_the_image_holds(engine: Engine, service: str) -> None:
    """All our modules and the packages that they declare import from what the image holds."""
    package = service.replace("-", "_")
    program = (
        "import importlib, pkgutil, sys\n"
        "names = []\n"
        f"for each in map(importlib.import_module, ('agent_core', '{package}')):\n"
        "    names += [one.name for one in pkgutil.walk_packages(each.__path__, each.__name__ + '.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'): importlib.import_module(name)\n"
        "print(len(names))\n"
    )
    sources = [*(ROOT / "shared/agent_core/src").rglob("*.py"), *(ROOT / "services" / service / "src").rglob("*.py")]
    assert int(run(engine, service, program).splitlines()[-1]) == len(sources) - 2  # without the packages themselves


@pytest.mark.parametrize("service", SERVICES)
def test_no_stand_in_no_test_and_no_tool_is_in_a_service_s_image(engine: Engine, service: str) -> None:
    """An image has no stand-in, test or tool: a stand-in in production would bypass the real service."""
    program = (
        "import importlib.metadata as m, importlib.util as u\n"
        "print(*sorted(d.name.lower() for d in m.distributions()))\n"
        "print(*(n for n in ('standins', 'voice_agent', 'tests', 'tools', 'pytest', 'pip', 'uv') if u.find_spec(n)))\n"
    )
    held, found = run(engine, service, program).split("\n")[:2]
    never = {"pocketsphinx", "trustme", "hibari-tts", "pytest", "mypy", "llvmlite", "onnxruntime", "openai"}
    assert set(held.split()) & never == set()
    # pip belongs to the base image.
    assert set(found.split()) <= {"pip"}
    if service == "webrtc-agent":
        assert "twilio" not in held.split()  # it builds the phone service's documents
    if service == "phone-agent":
        assert set(held.split()) & {"aiortc", "av", "daily-python", "opencv-python"} == set()


def test_the_services_that_botocore_may_ask_are_there(engine: Engine) -> None:
    """The image has the AWS services that credentials, calls and secrets need."""
    program = (
        "import botocore.session\n"
        "session = botocore.session.Session()\n"
        "print(*[session.create_client(n, region_name='eu-north-1', aws_access_key_id='a', aws_secret_access_key='b')"
        ".meta.endpoint_url for n in ('dynamodb', 'sts', 'sso', 'sso-oidc', 'secretsmanager', 'bedrock-runtime')])\n"
    )
    urls = run(engine, "phone-agent", program).split()
    assert len(urls) == 6
    assert all("eu-north-1" in url for url in urls)


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is_and_keeps_no_secret(engine: Engine, service: str) -> None:
    """An image has labels, a user without privileges, and nothing of the machine that built it."""
    (described,) = engine.inspect(image(service))
    config = described["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Labels"]["org.opencontainers.image.title"] == service
    history = engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", image(service))
    assert re.findall(r"(?i)(?:secret|token|password)[^ ]*=\S+", history + " ".join(config["Env"])) == []


@pytest.mark.parametrize("service", SERVICES)
def test_bytecode_is_there(engine: Engine, service: str) -> None:
    """The image has bytecode: with a read-only root, each start would compile a thousand files again."""
    program = (
        f"import {service.replace('-', '_')}.serve, sys, os\n"
        "print(*[m.__spec__.origin for m in list(sys.modules.values()) if getattr(m, '__spec__', None)"
        " and m.__spec__.cached and not os.path.exists(m.__spec__.cached)])\n"
    )
    assert run(engine, service, program).split() == []
