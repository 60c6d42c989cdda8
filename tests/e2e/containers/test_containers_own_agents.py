"""The image that docs/howto/an-image-with-your-agents.md describes: one's own agents, and none of ours."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from standins.nova.server import NovaSettings, NovaStandin
from standins.twilio.server import TwilioExchange
from tests.e2e.containers.test_containers_images import HARDENED
from tests.support.agent_tools import AGENTS
from tests.support.containers import ROOT, SERVICES, Engine
from tests.support.score import Score, short_notes
from tests.support.waiting import until
from voice_agent.run.ports import free_port

NUMBER = "+15550100042"
_GUIDE = ROOT / "docs/howto/an-image-with-your-agents.md"
_BUILD_SECONDS = 300.0
_PROGRAM = (
    "import importlib.util as u, os, pathlib as p\n"
    "print(*sorted(each.name for each in p.Path(os.environ['AGENTS_DIR']).iterdir()))\n"
    "print(*(n for n in ('standins', 'voice_agent', 'tests', 'tools') if u.find_spec(n)))\n"
    "print(os.getuid(), os.access(os.environ['AGENTS_DIR'], os.W_OK))\n"
)


def dockerfile(service: str) -> str:
    """Return the guide's file for a service."""
    text = _GUIDE.read_text(encoding="utf-8").partition("```dockerfile\n")[2].partition("```")[0]
    assert text.startswith("FROM voice-agent/phone-agent\n")
    return text.replace("voice-agent/phone-agent", f"voice-agent/{service}", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds `agents` with one agent of the adopter's own."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(AGENTS / "trattoria", folder / "agents" / "trattoria")
    with (folder / "agents/trattoria/agent.yaml").open("a") as agent:
        agent.write(f'numbers: ["{NUMBER}"]\npage: {{path: /}}\n')
    return folder


@pytest.fixture(scope="module")
def images(engine: Engine, folder: Path) -> Iterator[dict[str, str]]:
    """Build the guide's image for both services, and remove them at the end."""
    made = {service: f"voice-agent-test/own-{service}" for service in SERVICES}
    for service, name in made.items():
        (folder / "Dockerfile").write_text(dockerfile(service))
        engine("build", "--tag", name, str(folder), seconds=_BUILD_SECONDS)
    yield made
    engine.attempt("rmi", "--force", *made.values())


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_holds_that_agent_and_nothing_else(engine: Engine, images: dict[str, str], service: str) -> None:
    """No agent of ours, no stand-in; the user has no rights, and the check of the folders names one agent."""
    python = ("run", "--rm", "--network", "none", *HARDENED, "--entrypoint", "python", images[service])
    held, found, rights = engine(*python, "-c", _PROGRAM).split("\n")[:3]
    assert (held, found, rights) == ("trattoria", "", "10001 False")
    checked = engine(*python, "-m", "agent_core.agents")
    assert "trattoria" in checked
    assert not [name for name in ("weather", "clinic", "restaurant") if name in checked]
    (described,) = engine.inspect(images[service])
    assert described["Config"]["User"] == "10001:10001"


async def test_it_answers_its_number(engine: Engine, images: dict[str, str], tmp_path: Path) -> None:
    """A call to the agent's number is greeted, and its end record names the agent."""
    score = Score()
    score.plan = short_notes
    port = free_port()
    bundle = tmp_path / "certificates"
    bundle.mkdir()
    async with NovaStandin(NovaSettings(certificates=bundle), score.backend()) as nova, TwilioExchange() as exchange:
        nova.trust.bundle_file.chmod(0o644)
        settings = {
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": nova.url,
            "AWS_ACCESS_KEY_ID": "standin",
            "AWS_SECRET_ACCESS_KEY": "standin-secret",
            "SSL_CERT_FILE": "/bundle.pem",
            "TWILIO_ACCOUNT_SID": exchange.settings.account_sid,
            "TWILIO_AUTH_TOKEN": exchange.settings.auth_token,
            "TWILIO_API_BASE_URL": exchange.url,
            "HOST": "127.0.0.1",
            "FAST_API_PORT": str(port),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
            "MAX_LOOP_LAG_MS": "0",  # the machine runs other work too
        }
        variables = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
        mount = ("--volume", f"{nova.trust.bundle_file}:/bundle.pem:ro")
        # The stand-ins listen on this machine's loopback interface, so the container uses its network.
        with engine.running(*HARDENED, "--network", "host", *mount, *variables, images["phone-agent"]) as container:

            def lines(event: str) -> list[dict[str, object]]:
                found = [json.loads(one) for one in engine("logs", container).splitlines() if one.startswith("{")]
                return [one for one in found if one.get("event") == event]

            await until(lambda: _is_healthy(port), 60)
            call = exchange.place_call(f"http://127.0.0.1:{port}/incoming-call", callee=NUMBER)
            await call.timeline.until("sound_begins", 20)
            call.hang_up()
            await until(lambda: bool(lines("session_ended")), 20)
            (record,) = lines("session_ended")
            assert (record["agent"], record["reason"]) == ("trattoria", "caller_hung_up")


async def _is_healthy(port: int) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{port}/health")).is_success
    except httpx.HTTPError:
        return False
