"""Parameters for one of the two services, and environments with only one service."""

import pytest

from deployment import service_secrets, sizes
from deployment.errors import UsageError
from deployment.stacks import Stacks, stacks_of
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from tests.support.templates import FOLDER


def stacks(**parameters: str) -> tuple[TargetEnvironment, Stacks]:
    """Return an environment and its stacks."""
    environment = TargetEnvironment("test", parameters)
    return environment, stacks_of(environment, FOLDER)


def test_a_parameter_for_one_service_holds_there_and_the_other_has_the_one_for_both() -> None:
    """A parameter for one service applies to it, and the other service uses the common parameter."""
    environment, made = stacks(MaxTasks="12", WebMaxTasks="40", PhoneCpu="512", WebDailySpend="7")
    parameters = {name: made[f"{name}-scaling"].parameters(environment, {}) for name in sizes.SERVICES}
    assert (parameters["phone"]["MaxTasks"], parameters["web"]["MaxTasks"]) == ("12", "40")
    assert (parameters["phone"].get("Cpu"), parameters["web"].get("Cpu")) == ("512", None)
    assert made["phone"].parameters(environment, {})["Cpu"] == "512"
    assert "DailySpend" not in made["phone-alarms"].parameters(environment, {})
    assert made["web-alarms"].parameters(environment, {})["DailySpend"] == "7"


def test_every_parameter_that_may_differ_is_one_of_a_service() -> None:
    """Only parameters of a service's template may differ between the services."""
    of_services = {
        name for stem in ("service", "scaling", "alarms") for name in StackTemplate(FOLDER / f"{stem}.yaml").parameters
    }
    assert set(sizes.EACH) <= of_services
    shared = {name for path in FOLDER.glob("*.yaml") for name in StackTemplate(path).parameters}
    assert sizes.names() & shared == set()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            {"MinTasks": "2", "PhoneMinTasks": "3", "WebMinTasks": "1"},
            "MinTasks has no effect beside PhoneMinTasks and",
        ),
        ({"Services": "telephone"}, "Services=telephone must be both, phone or web"),
        ({"Services": "phone", "WebMaxTasks": "9"}, "WebMaxTasks is for a service that Services excludes"),
        ({"PhoneMaxTask": "9"}, "PhoneMaxTask; did you mean PhoneMaxTasks"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters: dict[str, str], said: str) -> None:
    """An invalid line is rejected with the file, the name and advice."""
    with pytest.raises(UsageError, match=said) as refused:
        stacks(**parameters)
    assert "infra/environments/test.parameters" in refused.value.what


@pytest.mark.parametrize(("service", "other"), [("phone", "web"), ("web", "phone")])
def test_one_service_alone_has_no_stack_and_reads_no_secret_of_the_other(service: str, other: str) -> None:
    """An environment with one service has no stack of the other and reads none of its secrets."""
    environment, made = stacks(Services=service)
    assert [stack.last for stack in (*made.services, *made.watch)] == [
        *(service, f"{service}-scaling", f"{service}-alarms"),
        "platform-alarms",
        "events",
        "observability",
    ]
    assert made["edge"].parameters(environment, {})["Services"] == service
    platform = made["platform"].template
    assert [need.service for need in service_secrets.read_by_services(environment, platform)] == [service]
    # Both secrets exist, so both of an earlier stack are adopted.
    assert {need.service for need in service_secrets.needs(environment, platform)} == {service, other}
