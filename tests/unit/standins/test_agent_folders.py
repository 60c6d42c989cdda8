"""The stand-in's own reader of agent folders."""

from pathlib import Path

import pytest

from standins.agents.catalogue import Catalogue
from standins.agents.folder import read_folder
from standins.agents.language import LANGUAGES, language
from standins.agents.yaml_file import FolderError
from tests.support.agent_tools import AGENTS


def _agent(root: Path, name: str, agent: str = "name: Corner Shop\n", rehearsals: str = "") -> Path:
    folder = root / name
    (folder / "rehearsals").mkdir(parents=True)
    (folder / "agent.yaml").write_text(agent)
    (folder / "rehearsals" / "all.yaml").write_text(rehearsals)
    return folder


def test_a_folder_is_read(tmp_path: Path) -> None:
    """Lines keep their order, follow-ups belong to their rehearsal, and times stay as written."""
    said = "- {rehearsal: an hour, says: come at 19:30, expect: {tool: come, with: {time: 19:30, day: 2027-01-02}}}\n"
    said += "- {then: on time, expect: {tool: none}, answers: Good.}\n- {keys: '0', expect: {transfer: host}}\n"
    agent = read_folder(_agent(tmp_path, "shop", "name: Corner Shop\nlanguage: de-DE\ntools: [come, go]\n", said))
    assert (agent.id, agent.name, agent.language, agent.tools) == (
        "shop",
        "Corner Shop",
        "de-DE",
        frozenset({"come", "go"}),
    )
    first, second = agent.lines
    assert first.arguments == {"time": "19:30", "day": "2027-01-02"}
    assert (second.rehearsal, second.opens, second.calls_tool, second.answers) == ("an hour", False, False, "Good.")
    assert not agent.speaks_english


def test_the_values_that_tools_list_are_read_without_importing_them(tmp_path: Path) -> None:
    """A `Literal` of tools.py is found, and the file does not run; one with an error is the runtime's to report."""
    folder = _agent(tmp_path, "shop")
    (folder / "tools.py").write_text('raise SystemExit\nKind = Literal["oil change", "new tires"]\n')
    (folder / "broken.py").write_text("def (")
    assert read_folder(folder).choices == ("oil change", "new tires")


def test_the_kinds_of_captured_values_are_read_from_code_and_from_entries(tmp_path: Path) -> None:
    """By parameter for a request, by tool and argument for a server; an unknown kind is left to the runtime."""
    request = "- {http: POST https://a.example, name: a, captured: {mail: email}}\n"
    server = "- {mcp: desk, allow: [b], captured: {b: {to: phone, by: thing}}}\n"
    folder = _agent(tmp_path, "shop", f"name: Corner Shop\ntools:\n- c\n{request}{server}")
    (folder / "tools.py").write_text("from agent_core.agents import Date, tool\n")
    assert read_folder(folder).captured == {"email", "phone", "date"}


def test_a_line_without_a_tool_is_about_the_next_tool(tmp_path: Path) -> None:
    """Of its rehearsal; what the runtime adds to every agent is none."""
    said = "- {rehearsal: a, says: one}\n- {then: two, expect: {tool: book}}\n- {then: three}\n"
    said += "- {then: four, expect: {tool: capture}}\n- {then: five, expect: {tool: send}}\n- {then: six}\n"
    lines = read_folder(_agent(tmp_path, "shop", rehearsals=said)).lines
    assert [line.leads_to for line in lines if not line.calls_tool] == ["book", "send", ""]


@pytest.mark.parametrize(
    ("agent", "rehearsals", "message"),
    [
        ("language: en-US\n", "", r"agent\.yaml: expected a mapping with `name:`"),
        ("name: [x\n", "", r"agent\.yaml:2: not YAML"),
        ("name: x\n", "says: hello\n", "expected a list of entries"),
        ("name: x\n", "- {says: hello}\n", "entry 1 has neither"),
        ("name: x\n", "- {rehearsal: a, says: b, expect: {with: 3}}\n", "entry 1: `expect:` and its `with:`"),
    ],
)
def test_a_folder_that_is_not_valid_is_explained(tmp_path: Path, agent: str, rehearsals: str, message: str) -> None:
    """The error names the file and what is expected."""
    with pytest.raises(FolderError, match=message):
        read_folder(_agent(tmp_path, "shop", agent, rehearsals))


def test_an_edit_is_read_before_the_next_conversation(tmp_path: Path) -> None:
    """A changed folder is read again, an unchanged one is not, and a broken one keeps its last valid version."""
    errors: list[str] = []
    folder, catalogue = _agent(tmp_path, "shop"), Catalogue(tmp_path, errors.append)
    _agent(tmp_path, "_drafts")
    assert [agent.name for agent in catalogue.refresh()] == ["Corner Shop"]
    assert catalogue.refresh() == []
    (folder / "agent.yaml").write_text("name: Corner Shop and Sons\n")
    (renamed,) = catalogue.refresh()
    assert renamed.name == "Corner Shop and Sons"
    (folder / "agent.yaml").write_text("name: [\n")
    assert catalogue.refresh() == catalogue.refresh() == []
    assert [agent.version for agent in catalogue.agents] == [renamed.version]
    assert len(errors) == 1
    (folder / "agent.yaml").unlink()
    catalogue.refresh()
    assert catalogue.agents == []


def test_an_agent_is_found_by_its_name_or_its_tools() -> None:
    """The prompt's first line decides, then the tools; tools that every agent has decide nothing."""
    catalogue = Catalogue(AGENTS)
    catalogue.refresh()

    def chosen(tools: set[str], system: str = "You help people.") -> str | None:
        agent = catalogue.choose(tools, system)
        return agent.id if agent is not None else None

    assert chosen({"end_call"}, "You answer for Trattoria Sole.\nBe brief.") == "trattoria"
    assert chosen({"price_of"}, "You answer for Northside Garage.") == "garage"
    assert chosen({"price_of", "end_call"}) == "dentist"
    assert chosen({"end_call", "transfer_to_human"}) is None
    assert chosen({"order_pizza"}, "Be brief.\nYou answer for Trattoria Sole.") is None


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_every_sentence(code: str) -> None:
    """Each language has the sentences of English with the same variables, and rules for the same small talk."""
    known, english = language(code), language("en-US")
    assert known.code == code
    assert known.sentences.keys() == english.sentences.keys()
    for name, text in known.sentences.items():
        assert [text.count(f"{{{variable}}}") for variable in ("a", "b", "name", "keys", "what", "tools")] == [
            english.sentences[name].count(f"{{{variable}}}") for variable in ("a", "b", "name", "keys", "what", "tools")
        ], name
    assert set(known.days.values()) == set(english.days.values())
    if code != "en":
        assert known.small_talk.keys() == language("de").small_talk.keys()
