"""`voice-agent deploy`, `deploy-plan` and `destroy` against a simulated AWS, with scripted docker and git."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends

from deployment.subprocesses import Finished
from standins.twilio import ExchangeSettings, TwilioExchange
from tests.infra.conftest import default_network
from tests.support.injection import inject
from tests.support.operator import SID, TOKEN, Operator, fill_secrets, stacks
from tests.support.scripted_programs import DOCKER, GIT
from tests.support.stacks import REGION, Deployed

ACCOUNT = "123456789012"
ORDER = [
    "pipecat-registry",
    *(f"pipecat-test-{name}" for name in ("network", "platform", "permissions", "edge", "canary")),
    *(f"pipecat-test-{name}" for name in ("phone-rollback", "web-rollback", "phone", "web")),
    *(f"pipecat-test-{service}-scaling" for service in ("phone", "web")),
    *(f"pipecat-test-{name}" for name in ("phone-alarms", "web-alarms", "platform-alarms", "events", "observability")),
]


@pytest.fixture
def operator(aws: Deployed, tmp_path: Path, page: str) -> Operator:
    """Return an operator of the empty account."""
    assert aws.resources == {}
    return Operator(tmp_path, page)


@pytest.fixture
def ready(operator: Operator) -> Operator:
    """Return an operator after the first run, with the secrets filled in."""
    operator.deploy("--yes")
    fill_secrets()
    return operator


def push(tag: str) -> None:
    """Put an image of each service into its repository."""
    for name in ("phone", "web"):
        boto3.client("ecr", REGION).put_image(
            repositoryName=f"pipecat-voice-agent/{name}",
            imageManifest="{}",
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageTag=tag,
        )


def variables(aws: Deployed, service: str) -> dict[str, str]:
    """Return the variables of a service's task."""
    (container,) = aws.of(f"pipecat-test-{service}", "TaskDefinition")["ContainerDefinitions"]
    return {one["Name"]: str(one["Value"]) for one in container["Environment"]}


def change_sets() -> list[object]:
    """Return the change sets that were not executed."""
    backend = cloudformation_backends[ACCOUNT][REGION]
    return [one for one in backend.change_sets.values() if one.execution_status != "EXECUTE_COMPLETE"]


def test_first_run_stops_for_the_secrets_and_the_same_command_goes_on(operator: Operator, aws: Deployed) -> None:
    """The first run stops for the secrets, because a service without them would be rolled back."""
    code, said = operator.deploy("--yes")
    assert (code, list(stacks())) == (1, ORDER[:6])
    assert "pipecat/twilio-credentials has no account_sid and no auth_token yet" in said
    for name in ("twilio-credentials", "daily-api-key"):
        assert f"aws secretsmanager put-secret-value --region eu-north-1 --secret-id pipecat/{name}" in said

    fill_secrets()
    code, said = operator.deploy("--yes")
    assert code == 0, said
    assert stacks() == dict.fromkeys(ORDER, "CREATE_COMPLETE")
    assert aws.of("pipecat-test-phone", "Service")["DesiredCount"] == "2"
    assert "0a1b2c3d4e5f" in str(aws.of("pipecat-test-web", "TaskDefinition"))
    assert "pipecat-alb-test" in str(aws.of("pipecat-test-phone", "TaskDefinition"))
    assert said.count("2 tasks steady") == 2
    assert "200 concurrent streams in eu-north-1" in said
    assert "processed by the model in eu-north-1, where everything else runs" in said
    assert variables(aws, "web")["MODEL_STREAMS"] == "200"
    assert "/health answers, and the page" in said
    assert TOKEN not in said

    code, said = operator.deploy("--yes")
    assert (code, said.count("no changes")) == (0, len(ORDER))
    assert change_sets() == []


def test_an_update_shows_what_changes_and_leaves_the_number_of_tasks_to_scaling(ready: Operator, aws: Deployed) -> None:
    """An update shows its changes and does not reset the task count that scaling has chosen."""
    ready.deploy("--yes")
    ready.programs.answers = {**DOCKER, **GIT, "git rev-parse": Finished(0, "bbbbbbbbbbbb\n")}
    answers = iter(["y", "a"])
    code, said = ready.deploy(answer=lambda _: next(answers))
    assert code == 0, said
    assert "~ phone           changes" in said
    assert aws.of("pipecat-test-phone", "Service").get("DesiredCount") is None
    assert "bbbbbbbbbbbb" in str(aws.of("pipecat-test-phone", "TaskDefinition"))
    assert next(answers, "none left") == "none left"


def test_images_are_built_once_with_the_token_on_stdin(operator: Operator) -> None:
    """Images are built once per commit, because tags do not move, and docker gets its token on stdin."""
    operator.deploy("--yes")
    builds = operator.programs.begun_with("docker buildx build")
    assert ["--provenance=false" in command for command in builds] == [True, True]
    assert "--platform linux/amd64 --file services/phone-agent/Dockerfile" in builds[0]
    assert f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/pipecat-voice-agent/web:0a1b2c3d4e5f" in builds[1]
    (login,) = operator.programs.begun_with("docker login")
    token = operator.programs.stdins[operator.programs.commands.index(login)]
    assert token
    assert token not in login
    push("0a1b2c3d4e5f")
    said = operator.deploy("--yes")[1]
    assert said.count("already pushed") == 2
    assert len(operator.programs.begun_with("docker buildx build")) == 2


@pytest.mark.thorough
def test_going_back_takes_an_image_that_is_there_and_needs_no_docker(ready: Operator, aws: Deployed) -> None:
    """A rollback uses an existing image without a build and without Docker."""
    ready.programs.answers = {}
    code, said = ready.deploy("--yes", "--images", "0ld")
    assert code == 1
    assert "no image 0ld of phone and web" in said
    push("0ld")
    code, said = ready.deploy("--yes", "--images", "0ld")
    assert code == 0, said
    assert "phone:0ld" in str(aws.of("pipecat-test-phone", "TaskDefinition"))


def test_a_build_that_fails_says_its_last_lines_and_the_next_run_goes_on(operator: Operator) -> None:
    """A failed build shows its last lines, and the next run continues with the existing registry."""
    operator.programs.answers = {
        **DOCKER,
        **GIT,
        "docker buildx build": Finished(1, "#1 ok\nno space left on device\n"),
    }
    code, said = operator.deploy("--yes")
    assert (code, list(stacks())) == (1, ORDER[:1])
    assert "building the image of phone failed" in said
    assert "→ no space left on device" in said
    operator.programs.answers = {**DOCKER, **GIT}
    operator.deploy("--yes")
    assert list(stacks()) == ORDER[:6]


def test_nothing_is_changed_while_a_check_says_no(operator: Operator) -> None:
    """Failed checks stop the deployment before any change, and all are listed at once."""
    operator.programs.answers = {**GIT, "git status": Finished(0, " M a.py\n")}
    code, said = operator.deploy("--yes")
    assert (code, stacks()) == (1, {})
    assert "✗ source          1 file changed since commit 0a1b2c3d4e5f" in said
    assert "✗ docker          the Docker engine does not answer" in said
    assert "source, docker: nothing has been changed" in said


def gone(error: type[BaseException]) -> Callable[[str], str]:
    """Press a key that ends the command instead of answering."""

    def answer(_question: str) -> str:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "code", "hint"),
    [
        (None, 2, "--yes"),
        (lambda _: "", 1, "you answered no"),
        (gone(KeyboardInterrupt), 130, "the same command waits for it and continues from there"),
        (gone(EOFError), 130, "the same command waits for it and continues from there"),
    ],
    ids=["no keyboard", "no", "Ctrl-C", "Ctrl-D"],
)
def test_without_a_yes_nothing_is_left_behind(
    operator: Operator, answer: Callable[[str], str] | None, code: int, hint: str
) -> None:
    """Without a yes the change set is removed, and so is the empty stack that it created."""
    ended, said = operator.deploy(answer=answer)
    assert (ended, stacks(), change_sets()) == (code, {}, [])
    assert hint in said


def test_values_are_asked_for_where_somebody_is_there_and_are_never_shown(operator: Operator) -> None:
    """Values are requested on a terminal without an echo and go to Secrets Manager only."""
    given = {"Twilio's Account SID (AC…)": "AC" + "1" * 32, "Twilio's Auth Token": TOKEN, "Daily's API key": "d41ly"}
    code, said = operator.run(
        *("deploy", "--address", operator.page, "--yes"),
        answer=lambda _: "y",
        hidden=lambda question: next(value for name, value in given.items() if name in question),
    )
    assert code == 0, said
    kept = boto3.client("secretsmanager", REGION).get_secret_value(SecretId="pipecat/twilio-credentials")[
        "SecretString"
    ]
    assert TOKEN in kept
    assert "api_secret" in kept
    assert [word for word in given.values() if word in said] == []


def own_secret(name: str, values: dict[str, str | None]) -> str:
    """Create a secret as an owner does, and return its ARN."""
    client = boto3.client("secretsmanager", REGION)
    return str(client.create_secret(Name=name, SecretString=json.dumps(values))["ARN"])


def started(aws: Deployed) -> dict[str, dict[str, str]]:
    """Start a task of each service as ECS does, and return its variables."""
    return {one: inject(aws.of(f"pipecat-test-{one}", "TaskDefinition")) for one in ("phone", "web")}


OWN: dict[str, str | None] = {"account_sid": SID, "auth_token": TOKEN}


@pytest.mark.thorough
@pytest.mark.parametrize("values", [OWN, {**OWN, "api_sid": None, "api_secret": None}], ids=["missing", "null"])
def test_an_owners_secret_gets_the_keys_without_which_no_task_starts(
    operator: Operator, aws: Deployed, values: dict[str, str | None]
) -> None:
    """On a terminal an owner's secret gets the keys that its tasks need, empty and without a question."""
    arn = own_secret("mine/twilio", {**values, "note": "keep"})
    operator.environment(TwilioSecretArn=arn)
    code, said = operator.run(
        *("deploy", "--address", operator.page, "--yes"), answer=lambda _: "y", hidden=lambda _: "d41ly"
    )
    assert code == 0, said
    assert f"! phone secret {arn} has no key api_sid and no key api_secret" in " ".join(said.split())
    assert f"{arn} has its values, and api_sid and api_secret, empty" in " ".join(said.split())
    secrets = started(aws)["phone"]
    assert [secrets[name] for name in ("TWILIO_AUTH_TOKEN", "TWILIO_API_SID", "TWILIO_API_SECRET")] == [TOKEN, "", ""]
    kept = boto3.client("secretsmanager", REGION).get_secret_value(SecretId=arn)["SecretString"]
    assert json.loads(kept)["note"] == "keep"


@pytest.mark.thorough
def test_an_owners_secret_without_a_key_stops_it_before_a_service_is_made(operator: Operator, aws: Deployed) -> None:
    """Without a terminal an owner's secret that lacks a key stops the deployment, with every key to add."""
    arn = own_secret("mine/twilio", OWN)
    own_secret("pipecat/daily-api-key", {"DAILY_API_KEY": "k"})
    operator.environment(TwilioSecretArn=arn)
    code, said = operator.deploy("--yes")
    assert code == 1
    flat = " ".join(said.split())
    assert (
        f"{arn} has no key api_sid and no key api_secret; it may be empty, but ECS does not start a task without"
        in flat
    )
    assert f"--secret-id {arn}" in said
    assert "pipecat-test-phone" not in stacks()
    (shown,) = re.findall(r"write ({.*?}) to ", flat)
    shape = json.loads(shown)
    assert shape == {"account_sid": "…", "auth_token": "…", "api_sid": "", "api_secret": ""}
    boto3.client("secretsmanager", REGION).put_secret_value(SecretId=arn, SecretString=json.dumps({**shape, **OWN}))
    assert operator.deploy("--yes")[0] == 0
    assert started(aws)["phone"]["TWILIO_API_SID"] == ""


@pytest.mark.thorough
def test_a_customer_of_the_weather_service_names_a_secret(operator: Operator, aws: Deployed) -> None:
    """A weather secret gives both services its key, and without one the plan states the free plan's terms."""
    said = operator.run("deploy-plan")[1]
    assert "! weather         Open-Meteo's free plan is for non-commercial use, and limited to 600 requests" in said
    arn = own_secret("mine/weather", {"OPEN_METEO_API_KEY": "w3ather"})
    operator.environment(WeatherSecretArn=arn)
    operator.deploy("--yes")
    fill_secrets()
    code, said = operator.deploy("--yes")
    assert code == 0, said
    assert "✓ weather         Open-Meteo, commercial plan" in said
    assert "✓ weather secret" in said
    assert {secrets["OPEN_METEO_API_KEY"] for secrets in started(aws).values()} == {"w3ather"}
    assert "w3ather" not in said


def test_an_account_sid_that_is_none_is_not_written(operator: Operator) -> None:
    """An invalid account SID is not stored, because the two values are easily swapped."""
    code, said = operator.run(
        *("deploy", "--address", operator.page, "--yes"), answer=lambda _: "y", hidden=lambda _: "f" * 32
    )
    assert code == 1
    assert "account_sid is not valid" in said
    kept = boto3.client("secretsmanager", REGION).get_secret_value(SecretId="pipecat/twilio-credentials")[
        "SecretString"
    ]
    assert "f" * 32 not in kept


def break_once(monkeypatch: pytest.MonkeyPatch, stack: str, reason: str) -> None:
    """Let the next execution of a stack's change set fail as in CloudFormation."""
    execute = CloudFormationBackend.execute_change_set
    broken = [stack]

    def failing(self: Any, change_set_name: str, stack_name: str | None = None) -> None:  # noqa: ANN401 - moto's
        change = next(
            one for one in self.change_sets.values() if change_set_name in (one.change_set_id, one.change_set_name)
        )
        if change.stack_name not in broken:
            execute(self, change_set_name, stack_name)
            return
        broken.remove(change.stack_name)
        made = self.stacks[change.stack_id]
        made._add_stack_event("CREATE_FAILED", reason)
        made.status = "ROLLBACK_COMPLETE"
        change.execution_status = "EXECUTE_FAILED"

    monkeypatch.setattr(CloudFormationBackend, "execute_change_set", failing)


@pytest.mark.thorough
def test_a_stack_that_fails_says_why_and_the_next_run_makes_it_anew(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed stack reports its cause, and the next run deletes a rolled-back creation and repeats it."""
    break_once(monkeypatch, "pipecat-test-edge", "The maximum number of load balancers has been reached.")
    code, said = operator.deploy("--yes")
    assert (code, stacks()["pipecat-test-edge"]) == (1, "ROLLBACK_COMPLETE")
    assert "failed: The maximum number of load balancers has been reached. → request an increase in" in " ".join(
        said.split()
    )
    code, said = operator.run("deploy-plan")
    assert code == 0, said  # CloudFormation accepts no change set for an incomplete stack
    assert "! edge            is ROLLBACK_COMPLETE: what an earlier attempt left is deleted first" in said
    said = operator.deploy("--yes")[1]
    assert "· edge            an earlier attempt failed; deleting what it left" in said
    assert stacks()["pipecat-test-edge"] == "CREATE_COMPLETE"


def test_an_attempt_that_still_goes_on_is_waited_for(operator: Operator) -> None:
    """A deployment waits for an operation that is still in progress on a stack."""
    operator.deploy("--yes")
    backend = cloudformation_backends[ACCOUNT][REGION]
    network = next(one for one in backend.stacks.values() if one.name == "pipecat-test-network")
    network.status = "UPDATE_IN_PROGRESS"
    threading.Timer(0.3, lambda: setattr(network, "status", "UPDATE_COMPLETE")).start()
    assert "✓ network         no changes" in operator.deploy("--yes")[1]


@pytest.mark.parametrize("command", ["deploy-plan", "deploy"])
def test_a_secret_on_its_way_out_stops_it_before_anything_is_made(operator: Operator, command: str) -> None:
    """A secret that is scheduled for deletion stops the deployment before anything is created."""
    manager = boto3.client("secretsmanager", REGION)
    manager.create_secret(Name="pipecat/daily-api-key", SecretString='{"DAILY_API_KEY": "d41ly"}')
    manager.delete_secret(SecretId="pipecat/daily-api-key", RecoveryWindowInDays=7)
    code, said = operator.run(command, *(["--yes"] if command == "deploy" else []))
    assert (code, stacks()) == (1, {})
    assert "✗ web secret      pipecat/daily-api-key is scheduled for deletion since" in said
    restore = f"aws secretsmanager restore-secret --region {REGION} --secret-id pipecat/daily-api-key"
    assert restore in " ".join(said.split())


def test_a_plan_of_an_empty_account_leaves_it_empty(operator: Operator) -> None:
    """A plan of an empty account leaves it empty and describes each stack from its template."""
    code, said = operator.run("deploy-plan")
    assert code == 0, said
    assert (stacks(), change_sets()) == ({}, [])
    assert "+ registry        new: 2 Repository" in said
    assert "+ edge            new, by its template: Listener, " in said
    assert operator.programs.begun_with("docker buildx build") == []


def test_a_plan_shows_the_next_deployment_and_changes_nothing(ready: Operator) -> None:
    """A plan of existing stacks shows the next deployment and changes nothing."""
    ready.deploy("--yes")
    before = stacks()
    ready.programs.answers = {**DOCKER, **GIT, "git rev-parse": Finished(0, "bbbbbbbbbbbb\n")}
    code, said = ready.run("deploy-plan")
    assert code == 0, said
    assert said.count("no changes") == len(ORDER) - 2
    assert "~ phone           changes" in said
    assert (stacks(), change_sets()) == (before, [])


def test_destroy_asks_for_the_name_says_what_stays_and_takes_the_rest(operator: Operator) -> None:
    """`destroy` asks for the name, says what remains, and deletes the rest."""
    operator.environment(**default_network())
    operator.deploy("--yes")
    fill_secrets()
    assert operator.deploy("--yes")[0] == 0
    assert operator.run("destroy")[0] == 2
    code, said = operator.run("destroy", answer=lambda _: "production")
    assert (code, list(stacks())) == (1, ORDER)
    assert "active conversations are cut off 30 s after" in " ".join(said.split())
    code, said = operator.run("destroy", answer=lambda _: "test")
    assert code == 0, said
    assert list(stacks()) == ["pipecat-registry"]
    gone = [line.split()[1] for line in said.splitlines() if re.fullmatch(r"  - pipecat\S+ deleted", line)]
    assert gone == ORDER[:0:-1]
    assert "· Secret          TwilioSecret" in said
    assert "images, shared by all environments" in said


@pytest.mark.thorough
def test_what_destroy_left_is_taken_up_again(operator: Operator, aws: Deployed) -> None:
    """A deployment adopts what `destroy` left, such as secrets with their values."""
    operator.environment(**default_network())
    operator.deploy("--yes")
    fill_secrets()
    operator.deploy("--yes")
    operator.run("destroy", "--yes")
    code, said = operator.deploy("--yes")
    assert code == 0, said
    arn = boto3.client("secretsmanager", REGION).describe_secret(SecretId="pipecat/twilio-credentials")["ARN"]
    assert arn in str(aws.of("pipecat-test-phone", "TaskDefinition"))
    assert operator.deploy("--yes")[1].count("no changes") == len(ORDER)


def test_a_call_proves_it_where_there_is_https(operator: Operator) -> None:
    """With https a call tests the deployment, signed with the real token, which no process list shows."""
    operator.environment(Https="cloudfront")
    operator.programs.answers = {**DOCKER, **GIT, "voice-agent call": Finished(0, "…\n1 turn · first audio 0.48 s\n")}
    operator.deploy("--yes")
    fill_secrets()
    code, said = operator.deploy("--yes")
    assert code == 0, said
    assert "✓ call            1 turn · first audio 0.48 s" in said
    (place,) = [at for at, one in enumerate(operator.programs.commands) if "voice-agent call" in one]
    assert TOKEN not in operator.programs.commands[place]
    assert operator.programs.envs[place]["TWILIO_AUTH_TOKEN"] == TOKEN


def test_a_call_that_goes_wrong_fails_the_deployment_and_still_says_where_everything_is(operator: Operator) -> None:
    """A failed test call fails the deployment, which remains and still prints its URLs."""
    operator.environment(Https="cloudfront")
    operator.programs.answers = {**DOCKER, **GIT, "voice-agent call": Finished(1, "no answer\n")}
    operator.deploy("--yes")
    fill_secrets()
    code, said = operator.deploy("--yes")
    assert code == 1
    assert said.index("URLs") < said.index("smoke-test call failed") < said.index("→ no answer")


@pytest.mark.thorough
def test_tasks_that_never_start_are_told_with_their_last_words(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks that never start are reported with the last lines of their log."""
    monkeypatch.setenv("MOTO_ECS_SERVICE_RUNNING", "0")
    operator.deploy("--yes")
    fill_secrets()
    logs = boto3.client("logs", REGION)
    logs.create_log_stream(logGroupName="/ecs/pipecat-voice-agent-test/phone", logStreamName="ecs/1")
    logs.put_log_events(
        logGroupName="/ecs/pipecat-voice-agent-test/phone",
        logStreamName="ecs/1",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "set TWILIO_AUTH_TOKEN"}],
    )
    code, said = operator.deploy("--yes")
    assert code == 1
    assert "phone and web did not become steady" in said
    assert "→ phone logged: set TWILIO_AUTH_TOKEN" in said


@pytest.mark.thorough
def test_a_page_that_does_not_answer_fails_the_deployment(ready: Operator) -> None:
    """A page that does not answer fails the deployment, with advice about DNS."""
    code, said = ready.run("deploy", "--yes", "--address", "http://127.0.0.1:9")
    assert code == 1
    assert "http://127.0.0.1:9/health:" in said
    assert "About $" in said


async def test_a_number_rings_here_afterwards(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number's webhook is set to the public URL, with the same URL or a named one as fallback."""
    operator.environment(Https="cloudfront")
    operator.programs.answers = {**DOCKER, **GIT, "voice-agent call": Finished(0, "1 turn\n")}
    settings = ExchangeSettings(account_sid=SID, auth_token=TOKEN, numbers=("+46701234567",))
    async with TwilioExchange(settings) as twilio:
        monkeypatch.setenv("TWILIO_API_BASE_URL", twilio.url)
        operator.deploy("--yes")
        fill_secrets()
        code, said = await asyncio.to_thread(operator.deploy, "--yes", "--twilio-number", "+46000000")
        assert (code, "✗ twilio number   Twilio's account AC0000… has no number +46000000" in said) == (1, True)
        code, said = await asyncio.to_thread(operator.deploy, "--yes", "--twilio-number", "+46701234567")
        assert code == 0, said
        (number,) = cast("list[dict[str, str]]", twilio.numbers.listed(SID, "")["incoming_phone_numbers"])
    assert re.fullmatch(r"https://\S+\.cloudfront\.net/incoming-call", number["voice_url"])
    assert number["voice_fallback_url"] == number["voice_url"]
    assert "✓ twilio number   +46701234567 currently points to no URL; it will be updated at the end" in said
    assert "+46701234567 now points to https://" in said
    assert "! fallback        the same URL; docs/howto/number-fallback.md" in said


def test_a_number_without_https_is_refused_before_anything_is_changed(operator: Operator) -> None:
    """A number without https is rejected before any change, because Twilio would fail at every call."""
    code, said = operator.deploy("--yes", "--twilio-number", "+46701234567")
    assert (code, stacks()) == (1, {})
    assert "✗ twilio number   Twilio Media Streams require https" in said


@pytest.mark.thorough
def test_one_service_alone_needs_no_account_and_no_image_of_the_other(operator: Operator, aws: Deployed) -> None:
    """With Services=phone there are no web stacks, no key of Daily and no web image, and all of it can be deleted."""
    operator.environment(Services="phone", PhoneMaxTasks="42", **default_network())
    code, said = operator.deploy("--yes")
    assert (code, "daily" in said.lower()) == (1, False)
    twilio = {"account_sid": SID, "auth_token": TOKEN, "api_sid": "", "api_secret": ""}
    boto3.client("secretsmanager", REGION).put_secret_value(
        SecretId="pipecat/twilio-credentials", SecretString=json.dumps(twilio)
    )
    code, said = operator.deploy("--yes")
    assert code == 0, said
    assert list(stacks()) == [name for name in ORDER if "web" not in name]
    assert {"web" in command for command in operator.programs.begun_with("docker buildx build")} == {False}
    assert aws.of("pipecat-test-phone-scaling", "ScalableTarget")["MaxCapacity"] == 42
    (action,) = aws.of("pipecat-test-edge", "HttpListener")["DefaultActions"]
    assert action["TargetGroupArn"] == aws.names["pipecat-test-edge", "PhoneTargetGroup"]
    assert "/health answers; there is no page" in said
    assert "1 task of 1 vCPU" in said
    assert "web task" not in said
    assert operator.run("destroy", "--yes")[0] == 0
    assert list(stacks()) == ["pipecat-registry"]
