"""The runbook: an entry for each alarm, an alarm for each entry, and advice that names the calls it ends."""

import re
from typing import Any

import pytest

from agent_core.events import EndReason
from tests.support.templates import TEMPLATES, read, template
from tools.workspace import ROOT

PAGE = ROOT / "docs/howto/runbook.md"
NAMES = {"AWS::CloudWatch::Alarm": "AlarmName", "AWS::Events::Rule": "Name"}
ENTRIES = dict(re.findall(r"^## ([a-z-]+)\n\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))
CUTTING = (
    r"stop-task|[Ss]top(?:ping)? (?:a|the|late) (?:late )?task|make destroy|per-zone|lower `MinTasks`"
    r"|DesiredCount=\d|PhoneDrain"
)
"""Advice that ends conversations."""


def watched() -> dict[str, list[dict[str, Any]]]:
    """Return every sender of a message, by its name without service and environment."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in TEMPLATES:
        for resource in read(path.read_text())["Resources"].values():
            if resource["Type"] in NAMES:
                name = resource["Properties"][NAMES[resource["Type"]]]["Fn::Sub"]
                core = re.fullmatch(r"pipecat-(?:\$\{ServiceName\}-)?([a-z-]+)-\$\{Environment\}", name)
                assert core, f"{path.stem}: {name} is not pipecat-[<service>-]<entry>-<environment>"
                found.setdefault(core[1], []).append(resource["Properties"])
    return found


def parts(entry: str) -> dict[str, str]:
    """Return the parts of an entry."""
    return dict(re.findall(r"^\*\*(\w+)\.\*\* (.*?)(?=^\*\*\w+\.\*\* |\Z)", ENTRIES[entry], re.MULTILINE | re.DOTALL))


def test_every_alarm_has_its_entry_and_every_entry_its_alarm() -> None:
    """Every alarm has its entry, and every entry its alarm."""
    assert watched().keys() | {"budget"} == ENTRIES.keys()
    assert template("budget")["Resources"]["Budget"]["Properties"]["Budget"]["BudgetName"] == "pipecat-budget"


def test_every_message_ends_with_its_entry() -> None:
    """Every message ends with the link to its entry."""
    for entry, sources in watched().items():
        for one in sources:
            text = one.get("AlarmDescription") or one["Description"]
            assert text.endswith(f" - docs/howto/runbook.md#{entry}"), text
            for target in one.get("Targets", []):
                assert target["InputTransformer"]["InputTemplate"].endswith(f'docs/howto/runbook.md#{entry}"')
            assert len(text) <= 512 if "Targets" in one else len(text) <= 1024, "AWS takes no longer one"


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_an_entry_says_what_it_means_where_to_look_and_what_to_do(entry: str) -> None:
    """An entry says what it means, where to look (a query or a named console) and what to do."""
    said = parts(entry)
    assert list(said) == ["Means", "Look", "Do"]
    places = r"```text\n|console|Saved query|[Tt]he dashboard|Cost Explorer|\(#[a-z-]+\)"
    assert re.search(places, said["Look"]), "where?"
    assert [len(text) > 30 for text in said.values()] == [True] * 3


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_advice_that_ends_conversations_says_so(entry: str) -> None:
    """Advice that ends conversations says so."""
    advice = parts(entry)["Do"]
    if re.search(CUTTING, advice):
        assert re.search(r"\bcuts?\b", advice), "say whose conversations it cuts"


def test_queries_ask_for_events_that_the_services_log_and_for_queries_that_are_saved() -> None:
    """Queries use events that the services log, and saved queries that exist."""
    text = PAGE.read_text()
    asked = {
        name for found in re.findall(r"event (?:=|in) (\[[^\]]+\]|\"\w+\")", text) for name in re.findall(r"\w+", found)
    }
    sources = [*ROOT.glob("shared/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]
    code = "\n".join(path.read_text() for path in sources)
    assert asked
    assert sorted(name for name in asked if f'"{name}"' not in code) == []
    saved = {
        str(one["Properties"]["Name"]["Fn::Sub"]).rpartition("/")[2]
        for one in template("observability")["Resources"].values()
        if one["Type"] == "AWS::Logs::QueryDefinition"
    }
    quoted = re.findall(r"Saved query \"([^\"]+)\"", text)
    assert quoted
    assert [name for name in quoted if name not in saved] == []


def test_queries_and_advice_name_end_reasons_that_exist() -> None:
    """A query uses existing end reasons, and so does the advice after failed conversations."""
    queried = re.findall(r"reason (?:not )?in \[([^\]]+)\]", PAGE.read_text())
    reasons = {name for found in queried for name in re.findall(r"\w+", found)}
    assert reasons
    assert reasons <= {*EndReason}
    advice = set(re.findall(r"`(\w+)`(?:: | \()", parts("failed-conversations")["Do"]))
    assert advice <= {*EndReason}


def test_entries_lead_to_entries_that_are_there() -> None:
    """Links to entries lead to existing ones, also from the page about alerts."""
    text = PAGE.read_text() + (ROOT / "docs/howto/alerts.md").read_text()
    assert set(re.findall(r"\(#([a-z-]+)\)", text)) <= ENTRIES.keys()
    named = set(re.findall(r"`((?:[a-z]+-)+[a-z]+)`", (ROOT / "docs/howto/alerts.md").read_text()))
    assert {name for name in named if not name.startswith("pipecat")} <= ENTRIES.keys()
