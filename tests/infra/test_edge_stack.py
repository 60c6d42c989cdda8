"""The deployed edge: listeners, rules, target groups, and the local edge that reads the same file."""

import re
from typing import Any

import boto3
import pytest

from agent_core.drain import make_server
from agent_core.settings import CoreSettings
from agent_core.web import RETRY_SECONDS
from standins.edge import balancer
from standins.edge.rules import Forward
from standins.edge.template_rules import RuleTemplate
from tests.support.stacks import REGION, Deployed, deploy, pretend_aws, usual
from tests.support.templates import FOLDER, TEMPLATES, read, template
from webrtc_agent.open_request import BEAT_SECONDS

POLICIES = {
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
}
"""AWS's policies that require at least TLS 1.2 with forward secrecy."""
CERTIFICATES = "arn:aws:acm:eu-north-1:123456789012:certificate"
TWILIO_PACKET_SECONDS = 0.02


def attributes(resource: dict[str, Any]) -> dict[str, str]:
    """Return the attributes of a load balancer or a target group."""
    listed = resource.get("LoadBalancerAttributes", []) + resource.get("TargetGroupAttributes", [])
    return {one["Key"]: str(one["Value"]) for one in listed}


def listeners(made: Deployed) -> dict[int, dict[str, Any]]:
    """Return the listeners by port."""
    return {one["Port"]: one for one in made.every("AWS::ElasticLoadBalancingV2::Listener").values()}


def phone_rule(made: Deployed) -> dict[str, Any]:
    """Return the rule for calls, without those of canary.yaml."""
    (rule,) = made.every("AWS::ElasticLoadBalancingV2::ListenerRule", "edge").values()
    return rule


def described_rules(made: Deployed) -> list[tuple[str, tuple[str, ...], str]]:
    """Return the load balancer's rules: priority, patterns, and the logical name of the target group."""
    client = boto3.client("elbv2", REGION)
    (listener,) = client.describe_listeners(LoadBalancerArn=made.outputs["edge"]["LoadBalancerArn"])["Listeners"]
    groups = {made.outputs["edge"][f"{name}Arn"]: name for name in ("PhoneTargetGroup", "WebTargetGroup")}
    return [
        (
            rule["Priority"],
            tuple(path for one in rule["Conditions"] for path in one["PathPatternConfig"]["Values"]),
            groups[rule["Actions"][0]["TargetGroupArn"]],
        )
        for rule in client.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    ]


def test_calls_go_to_the_phone_service_and_the_rest_to_the_web_service(made: Deployed) -> None:
    """Without a certificate the HTTP listener sends calls to the phone service and the rest to the web service."""
    assert listeners(made).keys() == {80}
    (default,) = listeners(made)[80]["DefaultActions"]
    assert (default["Type"], default["TargetGroupArn"]) == ("forward", made.outputs["edge"]["WebTargetGroupArn"])
    rule = phone_rule(made)
    assert [one["PathPatternConfig"]["Values"] for one in rule["Conditions"]] == [["/incoming-call*", "/media-stream*"]]
    assert [one["TargetGroupArn"] for one in rule["Actions"]] == [made.outputs["edge"]["PhoneTargetGroupArn"]]
    assert rule["ListenerArn"] == made.names["edge", "HttpListener"]
    assert 1 <= rule["Priority"] <= 50_000


def test_with_a_certificate_rules_hang_on_https_and_http_only_redirects(secure: Deployed) -> None:
    """With a certificate the rules belong to the HTTPS listener, so that no audio is sent unencrypted."""
    assert listeners(secure).keys() == {80, 443}
    (redirect,) = listeners(secure)[80]["DefaultActions"]
    assert redirect == {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
    }
    https = listeners(secure)[443]
    assert [one["CertificateArn"].split("/")[0] for one in https["Certificates"]] == [CERTIFICATES]
    assert https["DefaultActions"][0]["TargetGroupArn"] == secure.outputs["edge"]["WebTargetGroupArn"]
    assert phone_rule(secure)["ListenerArn"] == secure.names["edge", "HttpsListener"]
    assert secure.outputs["edge"]["PublicUrl"] == "https://agent.example.com"
    record = secure.of("edge", "DomainRecord")
    assert (record["Name"], record["Type"]) == ("agent.example.com", "A")


def test_https_takes_no_old_cipher(secure: Deployed) -> None:
    """The HTTPS policy allows no old cipher, which the linter does not check."""
    assert listeners(secure)[443]["SslPolicy"] in POLICIES


def test_a_pattern_is_one_that_aws_takes() -> None:
    """A rule has at most 5 patterns of at most 128 allowed characters, as AWS requires."""
    (path,) = (path for path in TEMPLATES if path.stem == "edge")
    conditions = read(path.read_text())["Resources"]["PhoneRule"]["Properties"]["Conditions"]
    patterns = [pattern for one in conditions for pattern in one["PathPatternConfig"]["Values"]]
    assert 1 <= len(patterns) <= 5
    assert [one for one in patterns if not re.fullmatch(r"/[\w.$/~\"'@:+&()!,;=*?-]{0,127}", one, re.ASCII)] == []


def test_routes_as_deployed_are_the_routes_of_the_local_edge() -> None:
    """The rules that the simulated AWS returns route like the local edge."""
    with pretend_aws() as made:
        deploy(made, usual()[:5])
        deployed = described_rules(made)
    local = balancer.read(RuleTemplate((FOLDER / "edge.yaml").read_text())).listeners[80]
    actions = [(str(rule.priority), tuple(rule.patterns), rule.action) for rule in local.rules]
    assert deployed == [
        (priority, patterns, action.group)
        for priority, patterns, action in [*actions, ("default", (), local.default)]
        if isinstance(action, Forward)
    ]


def test_a_silent_line_is_kept_and_an_idle_connection_is_closed_by_the_load_balancer_first(made: Deployed) -> None:
    """The idle timeout is longer than a silent connection's pause and shorter than the services' own."""
    (one,) = made.every("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    idle = int(attributes(one)["idle_timeout.timeout_seconds"])
    agent: Any = None  # only the server's settings matter
    server = make_server(agent, agent, CoreSettings())
    assert server.config.ws_ping_interval is not None
    assert idle > 3 * max(TWILIO_PACKET_SECONDS, server.config.ws_ping_interval)
    longest = template("edge")["Parameters"]["IdleTimeoutSeconds"]["MaxValue"]
    assert idle <= longest < server.config.timeout_keep_alive


def test_headers_that_lie_are_dropped(made: Deployed) -> None:
    """The load balancer drops forged headers, so that the services can trust the rest."""
    (one,) = made.every("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    said = attributes(one)
    assert said["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert said["routing.http.desync_mitigation_mode"] == "strictest"
    assert said["routing.http.xff_header_processing.mode"] == "append"


@pytest.mark.parametrize("name", ["PhoneTargetGroup", "WebTargetGroup"])
def test_a_task_is_asked_for_its_health_often_enough(made: Deployed, name: str) -> None:
    """Health checks detect a dead task before the grace period of a new one is over."""
    group = made.of("edge", name)
    assert (group["HealthCheckPath"], group["Matcher"]) == ("/health", {"HttpCode": "200"})
    assert (group["Port"], group["Protocol"], group["TargetType"]) == (7860, "HTTP", "ip")
    grace = made.of("phone", "Service")["HealthCheckGracePeriodSeconds"]
    container = made.of("phone", "TaskDefinition")["ContainerDefinitions"][0]["HealthCheck"]
    assert grace == 60
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]
    assert group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"] < grace
    assert container["Interval"] * container["Retries"] < grace + container["StartPeriod"]
    assert container["Timeout"] < container["Interval"]


def test_a_leaving_phone_task_keeps_its_calls_for_the_longest_that_is_promised(made: Deployed) -> None:
    """A draining phone task keeps its calls for the promised maximum before ECS sends SIGTERM."""
    drain = int(attributes(made.of("edge", "PhoneTargetGroup"))["deregistration_delay.timeout_seconds"])
    environment = made.of("phone", "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
    (longest,) = [int(one["Value"]) for one in environment if one["Name"] == "MAX_CALL_SECONDS"]
    assert drain >= max(longest, 900)


def test_a_leaving_web_task_keeps_its_visits_for_the_longest_that_is_promised(made: Deployed) -> None:
    """A draining web task keeps its visits for the promised maximum, by an open request of its own."""
    drain = int(attributes(made.of("edge", "WebTargetGroup"))["deregistration_delay.timeout_seconds"])
    environment = made.of("web", "TaskDefinition")["ContainerDefinitions"][0]["Environment"]
    given = {one["Name"]: one["Value"] for one in environment}
    assert drain >= max(int(given["MAX_CALL_SECONDS"]), 900)
    assert given.get("KEEP_REQUEST_OPEN") == "true"
    assert int(attributes(made.of("edge", "LoadBalancer"))["idle_timeout.timeout_seconds"]) > BEAT_SECONDS


def test_a_page_gets_its_files_from_the_task_that_gave_it(made: Deployed) -> None:
    """A page loads its files from the task that served it, while calls are not bound to a task."""
    sticky = attributes(made.of("edge", "WebTargetGroup"))
    assert (sticky["stickiness.enabled"], sticky["stickiness.type"]) == ("true", "lb_cookie")
    assert int(sticky["stickiness.lb_cookie.duration_seconds"]) <= RETRY_SECONDS
    assert "stickiness.enabled" not in attributes(made.of("edge", "PhoneTargetGroup"))


@pytest.mark.parametrize("name", ["PhoneTargetGroup", "WebTargetGroup"])
def test_the_emptiest_task_gets_the_next_call(made: Deployed, name: str) -> None:
    """The task with the fewest requests gets the next call, because a call is one long request."""
    assert attributes(made.of("edge", name))["load_balancing.algorithm.type"] == "least_outstanding_requests"


def test_requests_are_logged_where_that_is_wanted(made: Deployed, secure: Deployed) -> None:
    """Access logs go to a private bucket, which only this account's load balancers may write."""
    assert made.every("AWS::S3::Bucket", "edge") == {}
    (policy,) = secure.every("AWS::S3::BucketPolicy", "edge").values()
    (balancer_,) = secure.every("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert attributes(balancer_)["access_logs.s3.bucket"] == policy["Bucket"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert statement["Resource"].endswith("/AWSLogs/123456789012/*")


def test_the_firewall_turns_unsigned_calls_away_and_counts_visitors_only(made: Deployed) -> None:
    """The firewall blocks unsigned calls and limits visitors only, because Twilio has few addresses."""
    rules = {one["Name"]: one["Statement"] for one in made.of("firewall", "WebAcl")["Rules"]}
    path, header = rules["unsigned-call"]["AndStatement"]["Statements"]
    assert path["ByteMatchStatement"]["SearchString"] == "/incoming-call"
    assert header["NotStatement"]["Statement"]["SizeConstraintStatement"]["FieldToMatch"] == {
        "SingleHeader": {"Name": "x-twilio-signature"}
    }
    spared = rules["too-many-requests"]["RateBasedStatement"]["ScopeDownStatement"]["NotStatement"]["Statement"]
    pattern = re.compile(spared["RegexMatchStatement"]["RegexString"])
    assert [bool(pattern.search(path)) for path in ("/incoming-call/lost", "/media-stream", "/", "/connect")] == [
        True,
        True,
        False,
        False,
    ]
    assert made.of("firewall", "Association")["ResourceArn"] == made.outputs["edge"]["LoadBalancerArn"]


def test_cloudfront_passes_everything_on_and_keeps_nothing(made: Deployed) -> None:
    """CloudFront forwards everything and caches nothing; it exists for its certificate."""
    described = made.of("https", "Distribution")["DistributionConfig"]
    behaviour = described["DefaultCacheBehavior"]
    assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
    assert {"POST", "PATCH"} <= set(behaviour["AllowedMethods"])
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behaviour["OriginRequestPolicyId"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"
    assert described["Origins"][0]["DomainName"] == made.outputs["edge"]["LoadBalancerDnsName"]
    assert made.outputs["https"]["PublicUrl"].startswith("https://")
