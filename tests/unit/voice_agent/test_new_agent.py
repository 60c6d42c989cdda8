"""`voice-agent new` writes a folder that the runtime accepts, whatever is answered, or says why not."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent_core.agents import folder
from agent_core.agents.folder import FolderContext
from agent_core.agents.review import review
from agent_core.settings import CoreSettings
from agent_core.tools.registry import ToolRegistry
from tools.workspace import ROOT
from voice_agent.agents.new import Refused, create, new
from voice_agent.agents.options import NewRequest


def request(root: Path, folder: str = "bella", **answers: str | None) -> NewRequest:
    """Return the options of a new agent."""
    known = {"name": None, "language": None, "purpose": None, "number": None, "person": None, "template": "blank"}
    return NewRequest(folder, agents=root, **{**known, **answers})  # type: ignore[arg-type]


async def test_the_defaults_make_an_agent(tmp_path: Path) -> None:
    """Without a terminal and without options the folder is usable, reviewed, and its tool works once per message."""
    made = create(request(tmp_path), None)
    agent = folder.read(made, FolderContext(CoreSettings(), {"MESSAGES_FILE": str(tmp_path / "messages.jsonl")}))
    assert (agent.name, agent.language, agent.file.numbers) == ("Bella", "en-US", ("+15550100001",))
    assert review(agent) == []
    assert {path.name for path in tmp_path.iterdir()} == {"bella"}, "no draft is left"
    registry = ToolRegistry(agent.tools)
    for _ in range(2):
        result = await registry.call("take_message", {"name": "Anna", "about": "my order"})
        assert result.value["speak"] == "Thank you, Anna. I have taken your message."
    assert len((tmp_path / "messages.jsonl").read_text().splitlines()) == 1


@given(name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60))
def test_any_name_survives(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Quotes, colons and other characters of YAML and of templates are text."""
    made = create(request(tmp_path_factory.mktemp("agents"), name=name, purpose=f"Helps with {name}."), None)
    read = yaml.safe_load((made / "agent.yaml").read_text(encoding="utf-8"))
    assert (read["name"], read["description"]) == (name, f"Helps with {name}.")


def test_the_questions_are_asked_and_a_wrong_answer_again(tmp_path: Path) -> None:
    """An empty answer takes the default; the reason is printed once for each wrong one."""
    answers = iter(["Chez Luc", "klingon", "fr", "", "0700", "+33155501000", "tel:+33155501001"])
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    made = create(request(tmp_path), ask)
    read = yaml.safe_load((made / "agent.yaml").read_text(encoding="utf-8"))
    assert (read["language"], read["numbers"], read["people"][0]["address"]) == (
        "fr-FR",
        ["+33155501000"],
        "tel:+33155501001",
    )
    assert len(asked) == 7


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"folder": "Bella"}, "a folder's name has lower-case letters"),
        ({"number": "0700"}, "not a phone number in E.164"),
        ({"person": "desk"}, "cannot be called"),
        ({"language": "tlh"}, "not a language of the model"),
        ({"name": "two\nlines"}, "one line"),
        ({"template": "pizza"}, "there is no template pizza; choose blank or one of"),
    ],
)
def test_a_wrong_option_is_refused(tmp_path: Path, change: dict[str, str], why: str) -> None:
    """The reason says what is right, and nothing is written."""
    with pytest.raises(Refused, match=re.escape(why)):
        create(request(tmp_path, **change), None)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may contain someone's work."""
    made = create(request(tmp_path), None)
    before = (made / "agent.yaml").read_bytes()
    assert new(request(tmp_path, name="Other"), None) == 1
    assert "exists; choose another name" in capsys.readouterr().err
    assert (made / "agent.yaml").read_bytes() == before


@pytest.mark.parametrize("template", sorted(path.parent.name for path in (ROOT / "agents").glob("*/agent.yaml")))
def test_a_shipped_agent_is_a_template(tmp_path: Path, template: str) -> None:
    """The copy has its own name and number, and a page of its own."""
    (tmp_path / template).symlink_to(ROOT / "agents" / template)
    made = create(request(tmp_path, template=template, name="Mine", number="+15550109999"), None)
    agent = folder.read(made, FolderContext(CoreSettings(), {}))
    assert (agent.name, agent.file.numbers, agent.path) == ("Mine", ("+15550109999",), "/a/bella")
