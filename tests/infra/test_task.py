"""The deployed task: its size, its isolation, and an environment that the service can read."""

from typing import Any

import pytest

from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings
from deployment.service_secrets import needs
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from phone_agent.settings import PhoneSettings
from tests.support.stacks import Deployed
from tests.support.templates import FOLDER
from webrtc_agent.settings import WebSettings

SETTINGS: dict[str, type[CoreSettings]] = {"phone": PhoneSettings, "web": WebSettings}
FILLED_IN = {
    "account_sid": "AC" + "0" * 32,
    "auth_token": "secret",
    "api_sid": "",
    "api_secret": "",
    "DAILY_API_KEY": "secret",
    "OPEN_METEO_API_KEY": "secret",
    "": '{"DESK_TOKEN": "secret"}',
}
"""What an operator fills the secrets with, by their keys; the secret of the agents is one variable, without a key."""

services = pytest.mark.parametrize("service", ["phone", "web"])
CALL_ME = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/call-me-d4e5f6"
WEATHER = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/weather-a1b2c3"
AGENTS = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:mine/agents-g7h8i9"
ARN = AGENTS.split(":")
"""Parts of the name of a secret; a key of its JSON follows them."""


def task(made: Deployed, service: str) -> dict[str, Any]:
    """Return the task definition."""
    return made.of(service, "TaskDefinition")


def container(made: Deployed, service: str) -> dict[str, Any]:
    """Return its one container."""
    (one,) = task(made, service)["ContainerDefinitions"]
    described: dict[str, Any] = one
    return described


def secret_keys(made: Deployed, service: str) -> dict[str, str]:
    """Return the key of the secret's JSON for each variable; empty for one that receives all of it."""
    whole = ((one["Name"], one["ValueFrom"].split(":")) for one in container(made, service)["Secrets"])
    return {name: parts[7] if len(parts) > len(ARN) else "" for name, parts in whole}


def variables(made: Deployed, service: str) -> dict[str, str]:
    """Return the environment with which ECS starts the container, after the secrets are filled in."""
    plain = {one["Name"]: str(one["Value"]) for one in container(made, service)["Environment"]}
    return plain | {name: FILLED_IN[key] for name, key in secret_keys(made, service).items()}


def read_settings(made: Deployed, service: str, patch: pytest.MonkeyPatch) -> CoreSettings:
    """Return the settings as the service reads them at its start."""
    for name, value in variables(made, service).items():
        patch.setenv(name, value)
    return SETTINGS[service].read()


@services
def test_a_task_has_one_core_and_two_gigabytes(made: Deployed, service: str) -> None:
    """A task has one core and two gigabytes, as in the first design."""
    described = task(made, service)
    assert (described["Cpu"], described["Memory"]) == (1024, 2048)
    assert described["RequiresCompatibilities"] == ["FARGATE"]
    assert described["NetworkMode"] == "awsvpc"
    assert described["RuntimePlatform"] == {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"}


def test_a_task_runs_on_arm_where_that_is_wanted(secure: Deployed) -> None:
    """A task can run on ARM, which costs a fifth less."""
    assert task(secure, "phone")["RuntimePlatform"]["CpuArchitecture"] == "ARM64"


@services
def test_service_task_and_target_group_agree_on_the_container(made: Deployed, service: str) -> None:
    """Service, task and target group use the same container name and port."""
    (balanced,) = made.of(service, "Service")["LoadBalancers"]
    (port,) = container(made, service)["PortMappings"]
    group = made.of("edge", {"phone": "PhoneTargetGroup", "web": "WebTargetGroup"}[service])
    assert balanced["ContainerName"] == container(made, service)["Name"]
    assert balanced["ContainerPort"] == port["ContainerPort"] == group["Port"] == 7860
    assert variables(made, service)["FAST_API_PORT"] == "7860"
    name = {"phone": "PhoneTargetGroupArn", "web": "WebTargetGroupArn"}[service]
    assert balanced["TargetGroupArn"] == made.outputs["edge"][name]


@services
def test_a_container_is_nobody_and_can_write_nowhere_but_in_tmp(made: Deployed, service: str) -> None:
    """A container runs as an unprivileged user and can write only to /tmp."""
    one = container(made, service)
    assert one["User"] == "10001:10001"
    assert one["ReadonlyRootFilesystem"] is True
    limits = one["LinuxParameters"]
    assert (limits["InitProcessEnabled"], limits["Capabilities"]) == (True, {"Drop": ["ALL"]})
    assert [(mount["ContainerPath"], mount["Size"]) for mount in limits["Tmpfs"]] == [("/tmp", 64)]  # noqa: S108
    assert one.keys() & {"MountPoints", "VolumesFrom", "Privileged"} == set()
    assert "Volumes" not in task(made, service)


@services
def test_a_shell_in_a_task_finds_the_three_folders_that_its_agent_writes_to(secure: Deployed, service: str) -> None:
    """With ECS Exec a task has the three writable folders that the Systems Manager agent needs."""
    one = container(secure, service)
    assert one["ReadonlyRootFilesystem"] is True
    assert str(secure.of(service, "Service")["EnableExecuteCommand"]).lower() == "true"
    volumes = {volume["Name"] for volume in task(secure, service)["Volumes"]}
    mounted = {mount["ContainerPath"]: mount["SourceVolume"] for mount in one["MountPoints"]}
    assert mounted.keys() == {"/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"}
    assert set(mounted.values()) == volumes
    assert not any(mount.get("ReadOnly") for mount in one["MountPoints"])


@services
def test_a_container_has_as_long_to_stop_as_fargate_gives(made: Deployed, service: str) -> None:
    """A container may take 120 s to stop, Fargate's maximum, and the service needs 10 s less."""
    assert container(made, service)["StopTimeout"] == 120
    assert int(variables(made, service)["DRAIN_SECONDS"]) == 110


@services
def test_a_log_that_takes_no_more_lines_holds_up_no_conversation(made: Deployed, service: str) -> None:
    """A blocked log driver drops lines and does not hold up a conversation."""
    described = container(made, service)["LogConfiguration"]
    assert described["LogDriver"] == "awslogs"
    assert described["Options"] == {
        "awslogs-group": f"/ecs/pipecat-voice-agent-test/{service}",
        "awslogs-region": "eu-north-1",
        "awslogs-stream-prefix": "ecs",
        "mode": "non-blocking",
        "max-buffer-size": "4m",
    }
    groups = {one["LogGroupName"]: one["RetentionInDays"] for one in made.every("AWS::Logs::LogGroup").values()}
    assert groups[described["Options"]["awslogs-group"]] == 30


@services
def test_the_image_is_named_by_a_tag_that_does_not_move(made: Deployed, service: str) -> None:
    """The image has a tag that does not move, so that a restart runs the deployed version."""
    assert container(made, service)["Image"].endswith(f".amazonaws.com/pipecat-voice-agent/{service}:0a1b2c3")
    for repository in made.every("AWS::ECR::Repository").values():
        assert repository["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
        (movable,) = repository["ImageTagMutabilityExclusionFilters"]
        assert movable["ImageTagMutabilityExclusionFilterValue"] == "deployed-*"  # which starts no task
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}


@services
def test_no_key_of_aws_is_given_to_a_task(made: Deployed, service: str) -> None:
    """No task gets an AWS key, because its role has temporary ones."""
    assert [name for name in variables(made, service) if "ACCESS_KEY" in name or "SESSION_TOKEN" in name] == []


@services
def test_every_variable_is_a_setting_of_the_service(made: Deployed, service: str) -> None:
    """Every variable is a setting of the service."""
    known = SETTINGS[service].model_fields.keys()
    assert [name for name in variables(made, service) if name.lower() not in known] == []


@services
def test_a_variable_is_given_once(made: Deployed, service: str) -> None:
    """No variable is both a value and a secret, which ECS rejects."""
    one = container(made, service)
    names = [each["Name"] for each in one["Environment"] + one["Secrets"]]
    assert sorted(set(names)) == sorted(names)


@services
def test_the_environment_loads_into_the_settings(made: Deployed, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that ECS sets load into the service's settings."""
    settings = read_settings(made, service, monkeypatch)
    assert settings.base_url == made.outputs["edge"]["PublicUrl"]
    assert settings.forwarded_allow_ips == made.outputs["network"]["VpcCidr"]
    assert (settings.aws_region, settings.model_region) == ("eu-north-1", "eu-north-1")
    assert (settings.environment, settings.fast_api_port) == ("test", 7860)


def test_everything_that_can_be_turned_on_loads_too(secure: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option at once also loads into the settings."""
    settings = read_settings(secure, "phone", monkeypatch)
    assert isinstance(settings, PhoneSettings)
    assert settings.base_url == "https://agent.example.com"
    assert settings.fallback_destination == "sip:desk@example.com"
    assert [one.name for one in settings.transfer_destinations] == ["desk"]
    assert settings.time_zone == "Europe/Stockholm"


def test_other_sites_offices_and_a_number_to_call_can_be_configured(
    made: Deployed, secure: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each optional setting reaches only its service, and is absent without a value."""
    settings = read_settings(secure, "web", monkeypatch)
    assert isinstance(settings, WebSettings)
    assert settings.allowed_origins == ("https://example.com", "https://www.example.com")
    assert (settings.callback_number, str(settings.callback_request_url)) == (
        "+46701234567",
        "https://example.com/call-me",
    )
    assert (settings.rate_limit_starts_per_minute, settings.rate_limit_starts_per_minute_per_address) == (120, 60)
    names = {
        "ALLOWED_ORIGINS",
        "RATE_LIMIT_STARTS_PER_MINUTE",
        "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS",
        "CALLBACK_NUMBER",
        "CALLBACK_REQUEST_URL",
    }
    assert not names & variables(secure, "phone").keys()
    plain = variables(made, "web")
    assert not {"CALLBACK_NUMBER", "CALLBACK_REQUEST_URL"} & plain.keys()
    assert plain["TIME_ZONE"] == variables(made, "phone")["TIME_ZONE"] == "UTC"


def test_the_notice_says_what_the_operator_has_configured(
    made: Deployed, secure: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice shows the operator's name, number, links, consent and the platform's log retention."""
    settings = read_settings(secure, "web", monkeypatch)
    assert isinstance(settings, WebSettings)
    assert (settings.notice, settings.operator_name) == ("consent", "Bob's Bakery")
    assert settings.operator_phone == "+46850000000"
    links = (settings.privacy_url, settings.terms_url, settings.contact_url)
    assert [str(url) for url in links] == [f"https://example.com/{page}" for page in ("privacy", "terms", "contact")]
    assert settings.log_retention_days == 90
    assert (settings.ask_for_rating, settings.comment_retention_days) == (False, 7)
    plain = variables(made, "web")
    assert (plain["NOTICE"], plain["LOG_RETENTION_DAYS"], plain["OPERATOR_NAME"]) == ("notice", "30", "")
    names = {
        "NOTICE",
        "OPERATOR_NAME",
        "OPERATOR_PHONE",
        "PRIVACY_URL",
        "TERMS_URL",
        "CONTACT_URL",
        "LOG_RETENTION_DAYS",
        "ASK_FOR_RATING",
        "COMMENT_RETENTION_DAYS",
    }
    assert not names & variables(secure, "phone").keys()


def test_the_templates_defaults_are_the_codes(made: Deployed) -> None:
    """The templates' defaults equal the code's."""
    plain, usual = variables(made, "web"), WebSettings.model_fields
    for name in ("rate_limit_starts_per_minute", "rate_limit_starts_per_minute_per_address"):
        assert int(plain[name.upper()]) == usual[name].default
    assert plain["ASK_FOR_RATING"] == str(usual["ask_for_rating"].default).lower()
    assert int(plain["COMMENT_RETENTION_DAYS"]) == usual["comment_retention_days"].default


@services
def test_conversations_are_remembered_in_the_table_that_is_there_for_it(
    made: Deployed, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """Conversations are recorded in the table, so that another task can resume them."""
    settings = read_settings(made, service, monkeypatch)
    assert settings.call_store == f"dynamodb:{made.of('platform', 'CallsTable')['TableName']}"


def test_visitors_are_called_only_where_that_is_wanted(
    made: Deployed, secure: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The web service, and no other, gets a key of its own that places calls; by default there is none."""
    given = {name for name in variables(made, "web") | variables(secure, "phone") if name.startswith("CALL_ME")}
    assert given == set()
    monkeypatch.setitem(FILLED_IN, "api_sid", "SK" + "0" * 32)
    monkeypatch.setitem(FILLED_IN, "api_secret", "secret")
    settings = read_settings(secure, "web", monkeypatch)
    assert isinstance(settings, WebSettings)
    assert settings.call_me is not None
    assert settings.call_me_prefixes == ("+4670", "+4917")
    # Behind the same load balancer, so Twilio finds the phone service there.
    assert settings.call_me.phone_url == settings.base_url


def test_the_web_service_goes_through_daily(made: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web service uses Daily and does not start without its key."""
    settings = read_settings(made, "web", monkeypatch)
    assert isinstance(settings, WebSettings)
    assert settings.uses_daily
    assert settings.transport == "daily"


@services
@pytest.mark.parametrize("customer", [False, True], ids=["free weather", "weather customer"])
def test_a_deployment_sees_to_every_key_that_a_task_is_given(
    made: Deployed, secure: Deployed, service: str, *, customer: bool
) -> None:
    """A deployment checks every key that the task definition names, because ECS needs all of them."""
    own = {"WeatherSecretArn": WEATHER, "CallMeSecretArn": CALL_ME, "AgentSecretArn": AGENTS}
    environment = TargetEnvironment("test", own if customer else {})
    found = needs(environment, StackTemplate(FOLDER / "platform.yaml"))
    read = {service, "weather"} | ({"call-me"} if service == "web" else set())
    wanted = {key for need in found if need.service in read for key in need.every_key}
    # All of the agents' secret is read, so that no key can be missing.
    assert set(secret_keys(secure if customer else made, service).values()) - {""} == wanted
    assert [need.every_key for need in found if need.service == "agents"] == ([()] if customer else [])


@services
def test_agents_get_their_variables_and_secrets(
    made: Deployed, secure: Deployed, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names in agent.yaml, whatever they are, in both services; by default there are none."""
    assert "AGENT_SECRETS" not in variables(made, service)
    assert variables(made, service)["AGENT_VARIABLES"] == ""
    given = read_settings(secure, service, monkeypatch).variables()
    assert (given["DESK_URL"], given["DESK_TOKEN"]) == ("https://desk.example.com/mcp", "secret")
    (named,) = (one for one in container(secure, service)["Secrets"] if one["Name"] == "AGENT_SECRETS")
    assert named["ValueFrom"] == AGENTS


@services
def test_a_secret_that_nobody_filled_in_stops_the_service_with_a_line(
    made: Deployed, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret without values stops the service with one log line, and the deployment is rolled back."""
    monkeypatch.setattr(f"{__name__}.FILLED_IN", dict.fromkeys(FILLED_IN, ""))
    wanted = {"phone": "set TWILIO_ACCOUNT_SID", "web": "set DAILY_API_KEY"}[service]
    with pytest.raises(ConfigurationError, match=wanted):
        _ = getattr(read_settings(made, service, monkeypatch), "uses_daily", None)
