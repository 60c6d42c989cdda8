"""How a deployment tests a new version: rules that only the deployment's requests match, and a separate task."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from standins.edge import balancer
from standins.edge.rules import Forward, Router
from standins.edge.template_rules import RuleTemplate
from tests.support.stacks import Deployed, Stack, deploy, pretend_aws, usual
from tests.support.templates import FOLDER

services = pytest.mark.parametrize("service", ["phone", "web"])
RULES = {"phone": "PhoneRule", "web": "WebRule"}
GROUPS = {"phone": "PhoneTargetGroupArn", "web": "WebTargetGroupArn"}


@pytest.fixture(scope="module")
def tried() -> Iterator[Deployed]:
    """Deploy the environment test in the middle of a deployment: each service runs, and so does its canary."""
    with pretend_aws() as deployed:
        deploy(deployed, usual())
        own = {"Role": "canary", "MetricsNamespace": "VoiceAgent/Canary", "DesiredCount": "1", "ImageTag": "new"}
        deploy(deployed, [Stack(f"{one}-canary", "service", {"ServiceName": one, **own}) for one in ("phone", "web")])
        yield deployed


@services
def test_only_a_request_with_the_header_meets_the_new_version(made: Deployed, service: str) -> None:
    """Only a request with the unguessable header reaches the new version, by the paths of edge.yaml."""
    rule = made.of("canary", RULES[service])
    about = [one["HttpHeaderConfig"] for one in rule["Conditions"] if one["Field"] == "http-header"]
    header: dict[str, Any] = about[0] if about else {}
    assert header.get("HttpHeaderName") == "X-Canary"
    assert header["Values"] == [made.outputs["canary"]["HeaderValue"]]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", header["Values"][0])
    assert rule["ListenerArn"] == made.outputs["edge"]["ListenerArn"]
    assert rule["Actions"] == [{"Type": "forward", "TargetGroupArn": made.outputs["canary"][GROUPS[service]]}]
    paths = [one["PathPatternConfig"]["Values"] for one in rule["Conditions"] if one["Field"] == "path-pattern"]
    own = [one["PathPatternConfig"]["Values"] for one in made.of("edge", "PhoneRule")["Conditions"]]
    assert paths == (own if service == "phone" else [])
    assert rule["Priority"] < made.of("edge", "PhoneRule")["Priority"]


def test_a_call_is_looked_for_before_a_visit(made: Deployed) -> None:
    """The rule for calls precedes the rule for visits, which has no path and would match calls too."""
    assert made.of("canary", "PhoneRule")["Priority"] < made.of("canary", "WebRule")["Priority"]


@services
def test_a_canary_is_what_the_service_will_be_apart_from_where_it_stands(tried: Deployed, service: str) -> None:
    """A canary differs from its service only in its name, its one task, its target group and its metrics."""
    canary, running = tried.of(f"{service}-canary", "Service"), tried.of(service, "Service")
    differ = {key for key in {*canary, *running} if canary.get(key) != running.get(key)}
    wanted = {"ServiceName", "TaskDefinition", "DesiredCount", "DeploymentConfiguration", "LoadBalancers"}
    assert differ <= wanted
    assert canary["ServiceName"] == f"pipecat-{service}-canary-test"
    (behind,) = canary["LoadBalancers"]
    assert behind["TargetGroupArn"] == tried.outputs["canary"][GROUPS[service]]
    assert canary["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert not {"Alarms", "BakeTimeInMinutes"} & canary["DeploymentConfiguration"].keys()
    assert "ServiceName" not in tried.outputs[f"{service}-canary"]
    tasks = [tried.of(stack, "TaskDefinition") for stack in (f"{service}-canary", service)]
    (new,), (old,) = (task["ContainerDefinitions"] for task in tasks)
    environments = [{one["Name"]: one["Value"] for one in container["Environment"]} for container in (new, old)]
    assert {name for name in environments[0] if environments[0][name] != environments[1][name]} == {"METRICS_NAMESPACE"}
    assert new["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == "canary"
    assert {key for key in new if new[key] != old[key]} == {"Image", "Environment", "LogConfiguration"}


def test_the_local_edge_plays_the_rules_of_a_canary_too() -> None:
    """The local edge evaluates a canary's rules: header and path must match, and header names ignore case."""
    router = Router(balancer.read(RuleTemplate(with_canary())).listeners[80])
    value = [(b"x-CANARY", b"STACKID")]
    calls, page = "/incoming-call/status?try=1", "/"
    assert router.route(calls, value) == Forward("CanaryPhoneTargetGroup")
    assert router.route("/media-stream", value) == Forward("CanaryPhoneTargetGroup")
    assert router.route(page, value) == Forward("CanaryWebTargetGroup")
    for others in ([], [(b"x-canary", b"stackid-2")], [(b"x-other", b"stackid")]):
        assert router.route(calls, others) == Forward("PhoneTargetGroup")
        assert router.route(page, others) == Forward("WebTargetGroup")


def with_canary() -> str:
    """Join edge.yaml with the rules and target groups of canary.yaml, as one load balancer has them."""
    rules = (FOLDER / "canary.yaml").read_text().partition("\nResources:\n")[2].partition("\nOutputs:")[0]
    for name in ("PhoneRule", "WebRule", "PhoneTargetGroup", "WebTargetGroup"):
        rules = re.sub(rf"\b{name}\b", f"Canary{name}", rules)
    rules = rules.replace("!Ref ListenerArn", "!Ref HttpListener")
    rules = rules.replace('!Select [2, !Split ["/", !Ref "AWS::StackId"]]', "stackid")
    edge = (FOLDER / "edge.yaml").read_text()
    before, outputs, after = edge.partition("\nOutputs:")
    return f"{before}\n{rules}\n{outputs}{after}"
