"""Mistakes in image retention, alerting and protection: a named test must detect each.

The mistakes of one round are in different templates, so one deployment is enough for all of them.
"""

import importlib
import inspect
import shutil
from pathlib import Path

import pytest

from tests.infra.test_mutations import ATTRIBUTES, LINTER, Mistake, deployed, run
from tests.support.stacks import Deployed
from tests.support.templates import FOLDER

pytestmark = pytest.mark.thorough  # they test the tests of the templates

EVENTS = "test_alerting::test_events_of_this_environment_reach_the_topic"
ENTRIES = "test_runbook::test_every_message_ends_with_its_entry"
RUNS = "test_retention::test_the_rules_spare_what_is_tagged_as_in_use"
WATCHED = "test_alerting::test_the_platform_is_watched_by_metrics_that_aws_has"
PUBLISH = "test_observability_stack::test_alarms_may_publish_and_strangers_may_not"

ROUNDS = [
    [
        Mistake("a tag that no rule spares", "registry", '["deployed-*"]', '["production-*"]', RUNS),
        Mistake("a topic that events do not reach", "platform", "events.amazonaws.com", "events.amazon.com", PUBLISH),
        Mistake(
            "a metric that AWS does not have", "platform-alarms", "HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_5XX", WATCHED
        ),
        Mistake(
            "an event that ECS does not send", "events", "[SERVICE_DEPLOYMENT_FAILED]", "[DEPLOYMENT_FAILED]", EVENTS
        ),
        Mistake(
            "a table past which nothing leads",
            "network",
            "${AWS::Region}.dynamodb",
            "${AWS::Region}.s3express",
            "test_network_stacks::test_images_and_what_calls_remember_go_past_nat",
        ),
        Mistake(
            "a log of what was let in only",
            "flow-logs",
            "TrafficType: ALL",
            "TrafficType: ACCEPT",
            "test_kept_and_tagged::test_flow_logs_take_every_line_of_this_account_only",
        ),
    ],
    [
        Mistake("two images kept of three that run", "registry", '"countNumber": 1000', '"countNumber": 2', RUNS),
        Mistake("a topic for everybody's budgets", "platform", "budgets::${AWS::AccountId}:*", "budgets::*:*", PUBLISH),
        Mistake("a dimension that AWS does not have", "platform-alarms", "{Name: TableName,", "{Name: Table,", WATCHED),
        Mistake(
            "another environment's events", "events", "pipecat-cluster-${Environment}/", "pipecat-cluster-", EVENTS
        ),
    ],
]
ALONE = [
    Mistake("an alarm without an entry", "alarms", "#late-loop", "#late", ENTRIES),
    Mistake("a message without an entry", "events", "runbook.md#image-findings\"'", "runbook.md\"'", ENTRIES),
    Mistake(
        "an alarm that is called otherwise than its entry",
        "platform-alarms",
        "AlarmName: !Sub pipecat-nat-ports-",
        "AlarmName: !Sub pipecat-nat-",
        "test_runbook::test_every_alarm_has_its_entry_and_every_entry_its_alarm",
    ),
    Mistake("a misspelt protection", "edge", "deletion_protection.enabled", "deletion.protection.enabled", ATTRIBUTES),
    Mistake("tags that move", "registry", "ExclusionFilterType: WILDCARD", "ExclusionFilterType: PREFIX", LINTER),
]


def make(folder: Path, mistakes: list[Mistake]) -> None:
    """Write the templates with mistakes."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    for mistake in mistakes:
        path = folder / f"{mistake.template}.yaml"
        assert mistake.right in path.read_text()
        path.write_text(path.read_text().replace(mistake.right, mistake.wrong))


@pytest.fixture(scope="module", params=range(len(ROUNDS)))
def wrong(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Deployed]:
    """Return a deployment with one round of mistakes."""
    folder = tmp_path_factory.mktemp("templates")
    make(folder, ROUNDS[request.param])
    return request.param, deployed(folder, secure=False)


def test_a_round_of_mistakes_is_noticed(wrong: tuple[int, Deployed], made: Deployed) -> None:
    """Each mistake of a round is detected by its own test, and unchanged templates by none."""
    number, broken = wrong
    for mistake in ROUNDS[number]:
        check(mistake.noticed_by, made)
        with pytest.raises(AssertionError):
            check(mistake.noticed_by, broken)


def check(test: str, of: Deployed) -> None:
    """Run a test on a deployment."""
    module, _, name = test.partition("::")
    function = getattr(importlib.import_module(f"tests.infra.{module}"), name)
    function(**dict.fromkeys(inspect.signature(function).parameters, of))


@pytest.mark.parametrize("mistake", ALONE, ids=lambda mistake: mistake.what)
def test_a_mistake_is_noticed(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named test detects the mistake."""
    make(tmp_path, [mistake])
    with pytest.raises(AssertionError):
        run(mistake.noticed_by, tmp_path, mistake, monkeypatch)
