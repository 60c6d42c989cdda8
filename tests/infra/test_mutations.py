"""Plausible mistakes in the templates, each made on purpose: a named test must detect it.

Of the first fifteen the linter alone detects six; the others are our own.
"""

import importlib
import inspect
import shutil
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from agent_core.errors import ConfigurationError
from tests.support.stacks import REGION, Deployed, Stack, deploy, pretend_aws, usual
from tests.support.templates import FOLDER

pytestmark = pytest.mark.thorough  # they test the tests of the templates

LINTER = "test_templates::test_the_linter_finds_nothing"
ATTRIBUTES = "test_templates::test_attributes_have_names_that_aws_knows"


@dataclass(frozen=True)
class Mistake:
    """One wrong word in one template."""

    what: str
    template: str
    right: str
    wrong: str
    noticed_by: str
    """Module and function of the test."""


FIFTEEN = [
    Mistake("a core with half a gigabyte", "service", "Default: 2048, ", "Default: 512, ", LINTER),
    Mistake("an unknown property", "service", "StopTimeout: 120", "StopTimeOut: 120", LINTER),
    Mistake(
        "an action that does not exist",
        "permissions",
        "Action: bedrock:InvokeModel\n",
        "Action: bedrock:InvokeModelWithBidirectionalStream\n",
        LINTER,
    ),
    Mistake("an unknown reference", "edge", "!Ref WebTargetGroup]}]", "!Ref Web]}]", LINTER),
    Mistake("a priority that is too high", "edge", "Priority: 10", "Priority: 50001", LINTER),
    Mistake("six patterns in a rule", "edge", '"/media-stream*"]', '"/a", "/b", "/c", "/d", "/e"]', LINTER),
    Mistake(
        "more time to stop than there is",
        "service",
        "StopTimeout: 120",
        "StopTimeout: 300",
        "test_task::test_a_container_has_as_long_to_stop_as_fargate_gives",
    ),
    Mistake(
        "an import that nobody exports",
        "service",
        "${Environment}-vpc-cidr",
        "${Environment}-vpc-cdir",
        "test_deployment::test_every_import_has_exactly_one_stack_that_exports_it",
    ),
    Mistake("a misspelt attribute", "edge", "idle_timeout.timeout_seconds", "idle_timeout.seconds", ATTRIBUTES),
    Mistake(
        "a policy for ciphers that does not exist",
        "edge",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-66",
        "test_edge_stack::test_https_takes_no_old_cipher",
    ),
    Mistake(
        "a pattern that is too long",
        "edge",
        '"/media-stream*"]',
        f'"/{"a" * 128}"]',
        "test_edge_stack::test_a_pattern_is_one_that_aws_takes",
    ),
    Mistake(
        "five times as many healthy tasks as there are",
        "service",
        "MinimumHealthyPercent: 50",
        "MinimumHealthyPercent: 500",
        "test_service_stack::test_tasks_are_added_before_they_are_taken_away",
    ),
    Mistake(
        "a container of another name",
        "service",
        "ContainerName: pipecat-container",
        "ContainerName: pipecat",
        "test_task::test_service_task_and_target_group_agree_on_the_container",
    ),
    Mistake(
        "another port",
        "service",
        "ContainerPort: 7860, Protocol",
        "ContainerPort: 7861, Protocol",
        "test_task::test_service_task_and_target_group_agree_on_the_container",
    ),
    Mistake(
        "a log that holds up the program",
        "service",
        "mode: non-blocking",
        "mode: nonblocking",
        "test_task::test_a_log_that_takes_no_more_lines_holds_up_no_conversation",
    ),
]

MORE = [
    Mistake(
        "audio that leaves the region",
        "permissions",
        'Region: !If [UsesOwnRegion, !Ref "AWS::Region", !Ref NovaSonicRegion]',
        "Region: !If [UsesOwnRegion, us-east-1, !Ref NovaSonicRegion]",
        "test_permissions::test_the_model_may_be_called_in_the_regions_that_are_named",
    ),
    Mistake(
        "a table of each environment's own",
        "service",
        "Value: pipecat-model-streams}",
        'Value: !Sub "pipecat-model-streams-${Environment}"}',
        "test_permissions::test_every_task_counts_its_streams_in_the_table_that_environments_share",
    ),
    Mistake(
        "a quota that nobody is told",
        "service",
        "{Name: MODEL_STREAMS, Value: !Ref ModelStreams}",
        '{Name: MODEL_STREAMS, Value: ""}',
        "test_permissions::test_every_task_counts_its_streams_in_the_table_that_environments_share",
    ),
    Mistake(
        "any model",
        "permissions",
        "::foundation-model/${Model}",
        "::foundation-model/*",
        "test_permissions::test_one_model_may_be_called",
    ),
    Mistake(
        "the other service's secret",
        "permissions",
        "${Environment}-phone-secret-arn",
        "${Environment}-web-secret-arn",
        "test_permissions::test_a_service_can_read_its_own_secret_and_not_the_others",
    ),
    Mistake(
        "a star among the actions",
        "permissions",
        "Action: secretsmanager:GetSecretValue",
        'Action: "secretsmanager:*"',
        "test_permissions::test_no_star_where_there_is_anything_narrower",
    ),
    Mistake(
        "a key that the secret does not have",
        "service",
        "${Arn}:auth_token::",
        "${Arn}:authtoken::",
        "test_permissions::test_every_secret_reference_names_a_key_that_the_secret_has",
    ),
    Mistake(
        "secrets that go with their stack",
        "platform",
        "DeletionPolicy: RetainExceptOnCreate",
        "DeletionPolicy: Delete",
        "test_permissions::test_what_cannot_be_made_again_outlives_its_stack",
    ),
    Mistake(
        "a variable that no setting reads",
        "service",
        "Name: MAX_SESSIONS",
        "Name: MAX_SESSION",
        "test_task::test_every_variable_is_a_setting_of_the_service",
    ),
    Mistake(
        "every address believed",
        "service",
        '{"Fn::ImportValue": !Sub "pipecat-${Environment}-vpc-cidr"}',
        '"*"',
        "test_task::test_the_environment_loads_into_the_settings",
    ),
    Mistake(
        "a container that is root",
        "service",
        'User: "10001:10001"',
        'User: "0:0"',
        "test_task::test_a_container_is_nobody_and_can_write_nowhere_but_in_tmp",
    ),
    Mistake(
        "scaling by a metric that nobody emits",
        "scaling",
        "MetricName: FreeSlots",
        "MetricName: FreeSeats",
        "test_scaling_stack::test_tasks_are_added_by_the_places_that_the_code_reports",
    ),
    Mistake(
        "no way back from a bad deployment",
        "service",
        "DeploymentCircuitBreaker: {Enable: true, Rollback: true}",
        "DeploymentCircuitBreaker: {Enable: true, Rollback: false}",
        "test_service_stack::test_a_bad_deployment_is_taken_back",
    ),
    Mistake(
        "a new version that everybody meets",
        "canary",
        "        - Field: http-header\n          HttpHeaderConfig: {HttpHeaderName: X-Canary, Values: [!Select [2, "
        '!Split ["/", !Ref "AWS::StackId"]]]}\n        - Field: path-pattern',
        "        - Field: path-pattern",
        "test_canary_stack::test_only_a_request_with_the_header_meets_the_new_version",
    ),
    Mistake(
        "an outage of the model that rolls a good version back",
        "rollback",
        "MetricName: SessionsBroken",
        "MetricName: SessionsFailed",
        "test_rollback_alarms::test_no_outage_rolls_a_version_back",
    ),
    Mistake(
        "a slow model that rolls a good version back",
        "rollback",
        "errors == 0 AND FILL(turn, 60000) < 3000",
        "errors == 0",
        "test_rollback_alarms::test_no_outage_rolls_a_version_back",
    ),
    Mistake(
        "alarms that nobody watches any more when they go off",
        "service",
        'BakeTimeInMinutes: !If [IsCanary, !Ref "AWS::NoValue", 10]',
        'BakeTimeInMinutes: !If [IsCanary, !Ref "AWS::NoValue", 1]',
        "test_rollback_alarms::test_alarms_are_watched_until_they_could_have_gone_off",
    ),
    Mistake(
        "a rotated secret that reaches nobody",
        "service",
        'ForceNewDeploymentNonce: !Sub "${SecretVersion}.${Restart}"',
        "ForceNewDeploymentNonce: first",
        "test_service_stack::test_another_secret_or_an_order_starts_tasks_anew",
    ),
    Mistake(
        "calls cut in the middle",
        "edge",
        "Default: 1800, MinValue: 900",
        "Default: 900, MinValue: 900",
        "test_edge_stack::test_a_leaving_phone_task_keeps_its_calls_for_the_longest_that_is_promised",
    ),
    Mistake(
        "silence that closes a call",
        "edge",
        "Default: 300, MinValue: 60",
        "Default: 3, MinValue: 1",
        "test_edge_stack::test_a_silent_line_is_kept_and_an_idle_connection_is_closed_by_the_load_balancer_first",
    ),
    Mistake(
        "calls that go to the page",
        "edge",
        "HasNoPhone, !Ref WebTargetGroup, !Ref PhoneTargetGroup",
        "HasNoPhone, !Ref WebTargetGroup, !Ref WebTargetGroup",
        "test_edge_stack::test_calls_go_to_the_phone_service_and_the_rest_to_the_web_service",
    ),
    Mistake(
        "a core with too much memory",
        "service",
        '[["2048", "4096", "8192"], !Ref Memory]',
        '[["2048", "4096", "8192", "16384"], !Ref Memory]',
        "test_templates::test_a_task_has_a_size_that_fargate_has",
    ),
    Mistake(
        "a zone without a name to point",
        "edge",
        'RuleCondition: !Not [!Equals [!Ref HostedZoneId, ""]]',
        "RuleCondition: !Equals [!Ref HostedZoneId, never]",
        "test_templates::test_what_needs_another_parameter_is_refused_alone",
    ),
    Mistake(
        "tasks open to the world",
        "edge",
        "SourceSecurityGroupId: !Ref LoadBalancerSecurityGroup",
        "CidrIp: 0.0.0.0/0",
        "test_network_stacks::test_the_load_balancer_takes_80_and_443_and_tasks_take_only_the_load_balancer",
    ),
    Mistake(
        "tasks with a way in",
        "network",
        "DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref NatGatewayA",
        "DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref InternetGateway",
        "test_network_stacks::test_public_subnets_lead_to_the_internet_and_task_subnets_to_nat_only",
    ),
    Mistake(
        "an alarm about nothing",
        "alarms",
        "MetricName: TimeToFirstAudio",
        "MetricName: SetUpTime",
        "test_observability_stack::test_alarms_watch_what_is_measured_and_tell_somebody",
    ),
    Mistake(
        "a curve of nothing",
        "observability",
        '"TurnLatency"',
        '"TurnDelay"',
        "test_observability_stack::test_the_dashboard_draws_only_what_is_measured",
    ),
    Mistake(
        "a topic that swallows alarms",
        "platform",
        "TopicName: !Sub",
        "KmsMasterKeyId: alias/aws/sns\n      TopicName: !Sub",
        "test_observability_stack::test_alarms_may_publish_and_strangers_may_not",
    ),
    Mistake(
        "a web task that is stopped as soon as the load balancer lets go of it",
        "service",
        '{Name: KEEP_REQUEST_OPEN, Value: "true"}',
        '{Name: KEEP_REQUEST_OPEN, Value: "false"}',
        "test_edge_stack::test_a_leaving_web_task_keeps_its_visits_for_the_longest_that_is_promised",
    ),
    Mistake(
        "a load balancer that waits two minutes for visitors",
        "edge",
        "Value: !Ref WebDrainSeconds",
        'Value: "120"',
        "test_edge_stack::test_a_leaving_web_task_keeps_its_visits_for_the_longest_that_is_promised",
    ),
    Mistake(
        "a task that can keep ECS from stopping it",
        "permissions",
        "Action: bedrock:InvokeModel\n",
        "Action: [bedrock:InvokeModel, ecs:UpdateTaskProtection]\n",
        "test_permissions::test_no_task_may_keep_ecs_from_stopping_it",
    ),
    Mistake(
        "free places by the minute",
        "scaling",
        "Period: 10",
        "Period: 60",
        "test_scaling_stack::test_tasks_are_added_by_the_places_that_the_code_reports",
    ),
    Mistake(
        "a cooldown shorter than a start",
        "scaling",
        "Cooldown: 120\n        MetricAggregationType",
        "Cooldown: 60\n        MetricAggregationType",
        "test_scaling_stack::test_the_policies_are_those_that_were_simulated",
    ),
    Mistake(
        "idle cores that take free places away",
        "scaling",
        "DisableScaleIn: true",
        "DisableScaleIn: false",
        "test_scaling_stack::test_the_cpu_only_adds_tasks",
    ),
    Mistake(
        "ten calls more than a core carried",
        "service",
        '"1024": 30',
        '"1024": 40',
        "test_scaling_stack::test_a_task_admits_what_its_cores_were_measured_to_carry",
    ),
    Mistake(
        "a shell whose agent cannot write",
        "service",
        "{SourceVolume: ssm-log, ContainerPath: /var/log/amazon/ssm}",
        "{SourceVolume: ssm-log, ContainerPath: /var/log/ssm}",
        "test_task::test_a_shell_in_a_task_finds_the_three_folders_that_its_agent_writes_to",
    ),
    Mistake(
        "a release that cannot follow its deployment",
        "github-oidc",
        "                  - ecs:ListServiceDeployments\n",
        "",
        "test_github_roles::test_a_release_may_do_all_that_cloudformation_s_handlers_do",
    ),
    Mistake(
        "a release that reads Daily's key",
        "github-oidc",
        "Action: secretsmanager:DescribeSecret",
        "Action: [secretsmanager:DescribeSecret, secretsmanager:GetSecretValue]",
        "test_github_roles::test_twilio_s_secret_is_read_and_no_other_and_none_is_written",
    ),
    Mistake(
        "a key that serves every service of AWS's",
        "permissions",
        '"secretsmanager.${AWS::Region}.${AWS::URLSuffix}"',
        '"s3.${AWS::Region}.${AWS::URLSuffix}"',
        "test_permissions::test_a_secret_under_an_owner_s_key_can_be_decrypted_by_secrets_manager_alone",
    ),
    Mistake(
        "images for every account",
        "registry",
        "Principal: {AWS: !Ref PullAccounts}",
        'Principal: {AWS: "*"}',
        "test_permissions::test_only_named_accounts_may_copy_images_and_none_may_write",
    ),
    Mistake(
        "no https over IPv6",
        "edge",
        'FromPort: 443, ToPort: 443, CidrIpv6: "::/0"',
        'FromPort: 80, ToPort: 80, CidrIpv6: "::/0"',
        "test_ipv6::test_the_load_balancer_takes_the_same_ports_over_ipv6",
    ),
    Mistake(
        "a task subnet with IPv6",
        "network",
        "SubnetId: !Ref PublicSubnetB\n      Ipv6CidrBlock",
        "SubnetId: !Ref TaskSubnetB\n      Ipv6CidrBlock",
        "test_ipv6::test_only_the_load_balancer_s_subnets_have_ipv6",
    ),
    Mistake(
        "a VPC whose block is read before it is there",
        "network",
        "DependsOn: Ipv6Block\n    Properties:\n      SubnetId: !Ref PublicSubnetA",
        "Properties:\n      SubnetId: !Ref PublicSubnetA",
        "test_ipv6::test_what_reads_the_vpc_s_block_waits_for_it",
    ),
    Mistake(
        "a name that IPv6 does not find",
        "edge",
        "Type: AAAA",
        "Type: A",
        "test_ipv6::test_the_public_name_has_a_record_for_each_kind_of_address",
    ),
]


def run(test: str, folder: Path, mistake: Mistake, patch: pytest.MonkeyPatch) -> None:
    """Run a named test against the templates of a folder, for both services if it is parametrised."""
    module_name, _, function_name = test.partition("::")
    module = importlib.import_module(f"tests.infra.{module_name}")
    function = getattr(module, function_name)
    wanted = list(inspect.signature(function).parameters)
    if module_name == "test_templates":
        function(folder / f"{mistake.template}.yaml")
        return
    patch.setattr(module, "TEMPLATES", sorted(folder.glob("*.yaml")), raising=False)
    for service, other in (("phone", "web"), ("web", "phone")) if "service" in wanted else [("", "")]:
        given: dict[str, object] = {
            "service": service,
            "other": other,
            "kind": "AWS::SecretsManager::Secret",
            "repository": "PhoneRepository",
            "monkeypatch": patch,
        }
        if "github" in wanted:
            given["github"] = deployed(folder, secure=False, github=True)
        for name in {"made", "secure"} & set(wanted):
            given[name] = deployed(folder, secure=name == "secure")
        function(**{name: given[name] for name in wanted})


def deployed(folder: Path, *, secure: bool, github: bool = False) -> Deployed:
    """Deploy the templates of a folder, without those that depend on others and are not needed."""
    with pretend_aws() as made:
        own: dict[str, str] = {}
        if secure:
            asked = boto3.client("acm", REGION).request_certificate(DomainName="agent.example.com")
            own = {"CertificateArn": asked["CertificateArn"], "DomainName": "agent.example.com"}
            zone = boto3.client("route53", REGION).create_hosted_zone(Name="example.com", CallerReference="once")
            own |= {"ExecuteCommand": "true", "IpAddressType": "dualstack"}
            own["HostedZoneId"] = zone["HostedZone"]["Id"].rpartition("/")[2]
            own |= {"SecretsKeyArn": "arn:aws:kms:eu-north-1:123456789012:key/0a1b2c3d", "PullAccounts": "210987654321"}
        roles = [Stack("github", "github-oidc", {"Repository": "owner/name"})] if github else []
        deploy(made, [*usual(None, **own), *roles], folder)
    return made


@pytest.mark.parametrize("mistake", FIFTEEN + MORE, ids=lambda mistake: mistake.what)
def test_a_mistake_is_noticed(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named test detects the mistake, and not another failure."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"{mistake.template}.yaml"
    text = path.read_text()
    assert mistake.right in text
    path.write_text(text.replace(mistake.right, mistake.wrong))
    with pytest.raises((AssertionError, ConfigurationError)):  # a service may refuse such settings itself
        run(mistake.noticed_by, tmp_path, mistake, monkeypatch)
