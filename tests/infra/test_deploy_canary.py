"""`voice-agent deploy` tests a new version with a canary: a simulated AWS, real phone services, the local edge."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from moto.ecs.models import EC2ContainerServiceBackend

from deployment.subprocesses import Finished
from deployment.timeouts import Timeouts
from standins.edge.server import Edge, EdgeSettings
from standins.nova.server import NovaSettings, NovaStandin
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import ExchangeSettings
from tests.infra.test_canary_stack import with_canary
from tests.support import web_page
from tests.support.operator import SID, TOKEN, Operator, fill_secrets, stacks
from tests.support.phone_process import PhoneProcess, phone_process
from tests.support.score import Score, short_notes
from tests.support.scripted_programs import DOCKER, GIT, ScriptedPrograms
from tests.support.stacks import REGION, Deployed
from voice_agent.call.caller import Patience as CallerPatience
from voice_agent.call.command import make_calls
from voice_agent.call.options import read as read_call
from voice_agent.run.ports import free_port

CALL = {"voice-agent call": Finished(0, "1 turn\n")}
BREAKS: Mapping[str, Mapping[str, str]] = {
    "a model that it cannot reach": {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://127.0.0.1:9"},
    "another token": {"TWILIO_AUTH_TOKEN": "n0t-the-token-of-this-account"},
}


@pytest.fixture
def operator(aws: Deployed, tmp_path: Path, page: str) -> Operator:
    """Return an operator whose environment runs."""
    assert aws.resources == {}
    made = Operator(tmp_path, page, ScriptedPrograms({**DOCKER, **GIT, **CALL}))
    made.environment(Https="cloudfront")
    made.deploy("--yes")
    fill_secrets()
    assert made.deploy("--yes")[0] == 0
    return made


def images(aws: Deployed) -> list[str]:
    """Return the images of the services, phone first."""
    definitions = [aws.of(f"pipecat-test-{one}", "TaskDefinition")["ContainerDefinitions"] for one in ("phone", "web")]
    return [str(container["Image"]).rpartition(":")[2] for (container,) in definitions]


def commit(operator: Operator, tag: str, **programs: Finished) -> None:
    """Check out another commit."""
    operator.programs.answers = {**DOCKER, **GIT, **CALL, "git rev-parse": Finished(0, f"{tag}\n"), **programs}


def service(aws: Deployed, name: str) -> dict[str, Any]:
    """Return the values that decide whether tasks restart."""
    forced: dict[str, Any] = aws.of(f"pipecat-test-{name}", "Service")["ForceNewDeployment"]
    return forced


@pytest.mark.thorough  # three deployments
def test_another_secret_or_an_order_restarts_the_tasks(operator: Operator, aws: Deployed) -> None:
    """Another secret restarts the tasks of the service that reads it, with the same command."""
    before = service(aws, "phone"), service(aws, "web")
    fill_secrets()  # writing Twilio's and Daily's values again makes new versions
    boto3.client("secretsmanager", REGION).put_secret_value(
        SecretId="pipecat/daily-api-key", SecretString='{"DAILY_API_KEY": "new"}'
    )
    code, said = operator.deploy("--yes")
    assert code == 0, said
    after = service(aws, "phone"), service(aws, "web")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert after[0] != after[1]
    assert operator.deploy("--yes")[1].count("no changes") == len(stacks())

    code, said = operator.deploy("--yes", "--restart")
    assert code == 0, said
    assert "~ phone           changes" in said
    ordered = service(aws, "phone")
    assert ordered["ForceNewDeploymentNonce"].startswith(after[0]["ForceNewDeploymentNonce"])
    assert ordered != after[0]
    assert operator.deploy("--yes")[1].count("no changes") == len(stacks())
    assert service(aws, "phone") == ordered


@pytest.mark.thorough
def test_the_call_is_signed_with_the_token_in_use_while_there_are_two(operator: Operator) -> None:
    """During a token rotation the test call is signed with the active token."""
    boto3.client("secretsmanager", REGION).put_secret_value(
        SecretId="pipecat/twilio-credentials",
        SecretString=f'{{"account_sid": "{SID}", "auth_token": "{TOKEN}, other", "api_sid": "", "api_secret": ""}}',
    )
    assert operator.deploy("--yes")[0] == 0
    signed = [env["TWILIO_AUTH_TOKEN"] for env in operator.programs.envs if "TWILIO_AUTH_TOKEN" in env]
    assert set(signed) == {TOKEN}


@pytest.mark.thorough  # three deployments
def test_a_proof_that_fails_afterwards_offers_the_former_version(operator: Operator, aws: Deployed) -> None:
    """A failed test after the update offers a rollback: "no" keeps the new version, --yes rolls it back."""
    former = images(aws)[0]

    class Deaf(ScriptedPrograms):
        """Answers calls to a canary only."""

        def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, **how: Any) -> Finished:  # noqa: ANN401
            """Return the scripted result."""
            deaf = "call" in command and not (env or {}).get("EDGE_HEADER")
            return Finished(1, "no answer\n") if deaf else super().run(command, env=env, **how)

    operator.programs = Deaf()
    commit(operator, "bbbbbbbbbbbb")
    code, said = operator.deploy(answer=lambda question: "n" if "Roll" in question else "y")
    assert (code, images(aws)) == (1, ["bbbbbbbbbbbb"] * 2)
    assert "smoke-test call failed; the new version keeps running" in " ".join(said.split())
    commit(operator, "cccccccccccc")
    code, said = operator.deploy("--yes")
    assert (code, images(aws)) == (1, ["bbbbbbbbbbbb"] * 2)
    assert "rolled back: phone to bbbbbbbbbbbb and web to bbbbbbbbbbbb" in " ".join(said.split())
    assert former == "0a1b2c3d4e5f"


def test_what_drops_the_header_is_noticed_before_a_call_proves_the_wrong_version(
    operator: Operator, aws: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load balancer that drops the header is detected before a call can test the wrong version."""
    monkeypatch.setattr(web_page, "canaries", lambda: ["any"])  # 200, header or not
    before = images(aws)
    commit(operator, "bbbbbbbbbbbb")
    code, said = operator.deploy("--yes")
    assert (code, images(aws)) == (1, before)
    assert "answers 200 where only the canary should: it cannot be tested alone" in " ".join(said.split())
    code, said = operator.deploy("--yes", "--no-canary")
    assert (code, images(aws)) == (0, ["bbbbbbbbbbbb"] * 2)
    assert "? canary          skipped (--no-canary)" in said


@dataclass
class Telephone(ScriptedPrograms):
    """Scripts docker and git; the telephone is the real one, but speaks no words."""

    said: list[str] = field(default_factory=list)

    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, **how: Any) -> Finished:  # noqa: ANN401
        """Make a call if the command is a call, otherwise return the scripted result."""
        if "call" not in command:
            return super().run(command, env=env, **how)
        words = command.index("--say")
        options = read_call([*command[2:words], *command[words + 2 :], "--timeout", "60s"], env or {})
        out = io.StringIO()
        code = asyncio.run(make_calls(options, Path("/nowhere"), out, CallerPatience(answer=20)))
        self.said.append(out.getvalue())
        return Finished(code, out.getvalue())


@dataclass
class Region:
    """Simulates ECS and the load balancer: each service has its process in its target group."""

    edge: Edge
    loop: asyncio.AbstractEventLoop
    behind: dict[str, str] = field(default_factory=dict)
    """URL of the process, by the service's name."""

    def begins(self, name: str) -> None:
        """Add a service's process to its target group."""
        asyncio.run_coroutine_threadsafe(self._begin(name), self.loop).result(30)

    async def _begin(self, name: str) -> None:
        self.edge.register(
            group_of(name), (urlsplit(self.behind[name]).hostname or "", urlsplit(self.behind[name]).port or 0)
        )

    def ends(self, name: str) -> None:
        """Remove the process from the target group."""
        asyncio.run_coroutine_threadsafe(self._end(name), self.loop).result(30)

    async def _end(self, name: str) -> None:
        for target in list(self.edge.targets(group_of(name))):
            self.edge.deregister(group_of(name), target)


def group_of(name: str) -> str:
    """Return the name of a service's target group."""
    return f"{'Canary' if '-canary-' in name else ''}{'Phone' if 'phone' in name else 'Web'}TargetGroup"


def follow(monkeypatch: pytest.MonkeyPatch, region: Region) -> None:
    """Let the simulated ECS start and stop the region's processes."""
    create, delete = EC2ContainerServiceBackend.create_service, EC2ContainerServiceBackend.delete_service

    def created(self: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - moto's
        made: Any = create(self, *arguments, **named)
        if "-canary-" in made.name:
            region.begins(made.name)
        return made

    def deleted(self: Any, cluster: str, name: str, **named: Any) -> Any:  # noqa: ANN401 - moto's
        region.ends(name.rpartition("/")[2])
        return delete(self, cluster, name, **named)

    monkeypatch.setattr(EC2ContainerServiceBackend, "create_service", created)
    monkeypatch.setattr(EC2ContainerServiceBackend, "delete_service", deleted)


@asynccontextmanager
async def surroundings(tmp_path: Path) -> AsyncIterator[tuple[Callable[..., Any], Score]]:
    """Run a model and a telephone network, and return a function that starts a phone service with them."""
    score = Score()
    score.plan = short_notes
    nova = NovaStandin(NovaSettings(certificates=tmp_path, credentials={"standin": "standin-secret"}), score.backend())
    async with nova, TwilioExchange(ExchangeSettings(account_sid=SID, auth_token=TOKEN)) as exchange:

        def start(name: str, **settings: str) -> Any:  # noqa: ANN401 - a context manager
            return phone_process(nova, exchange, tmp_path / f"{name}.jsonl", settings)

        yield start, score


@pytest.mark.thorough
async def test_a_bad_version_never_gets_a_caller_and_a_good_one_replaces_what_runs(
    operator: Operator, aws: Deployed, tmp_path: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two bad versions never get a caller and do not affect the running one, which a good version replaces."""
    value = boto3.client("cloudformation", REGION).describe_stacks(StackName="pipecat-test-canary")["Stacks"][0]
    (header,) = [one["OutputValue"] for one in value["Outputs"] if one["OutputKey"] == "HeaderValue"]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    patience = Timeouts(poll=0.2, change_set=5, stack=5, steady=5, answer=30)
    web = (urlsplit(page).hostname or "", urlsplit(page).port or 0)
    async with (
        surroundings(tmp_path) as (start, _),
        start("runs", PUBLIC_BASE_URL=url) as runs,
        start("good", PUBLIC_BASE_URL=url) as good,
        Edge(
            EdgeSettings(
                with_canary().replace('"stackid"', header).replace("[stackid]", f"[{header}]"),
                {"PhoneTargetGroup": [("127.0.0.1", runs.port)], "WebTargetGroup": [web]},
                port=port,
            )
        ) as edge,
    ):
        region = Region(edge, asyncio.get_running_loop(), {"pipecat-web-canary-test": page})
        follow(monkeypatch, region)
        former = images(aws)
        before = len(requests(runs))

        async def deploy(phone: PhoneProcess, tag: str) -> tuple[int, str]:
            region.behind["pipecat-phone-canary-test"] = phone.url
            operator.programs = Telephone()
            commit(operator, tag)
            arguments = ("deploy", "--yes", "--address", url)
            return await asyncio.to_thread(operator.run, *arguments, patience=patience)

        for number, (what, settings) in enumerate(BREAKS.items()):
            async with start(f"bad-{number}", PUBLIC_BASE_URL=url, **settings) as bad:
                code, said = await deploy(bad, f"bad{number}bad{number}")
                flat = " ".join(said.split())
                assert code == 1, what
                assert (
                    "the new version failed before it received callers, and no service was changed: smoke-test call"
                    in flat
                )
                assert images(aws) == former, what
                assert bad.lines("call_answered") or bad.lines("request_refused"), what
        assert len(requests(runs)) == before
        assert not any("canary" in name.removeprefix("pipecat-test-canary") for name in stacks())

        code, said = await deploy(good, "g00dg00dg00d")
        assert code == 0, said
        assert images(aws) == ["g00dg00dg00d"] * 2
        assert said.index("✓ phone-canary") < said.index("✓ phone           updated")
        assert len(good.lines("session_ended")) == 1
        assert web_page.canaries() == []


def requests(phone: PhoneProcess) -> list[dict[str, Any]]:
    """Return the callers' requests to a phone service."""
    return [line for event in ("call_answered", "request_refused", "session_started") for line in phone.lines(event)]
