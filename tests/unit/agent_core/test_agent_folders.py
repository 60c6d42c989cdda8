"""An agent's folder is checked with file and line, and edits apply from the next conversation."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent_core.agents import folder, opening_hours
from agent_core.agents.catalogue import AgentCatalogue, UnknownAgent
from agent_core.agents.folder import FolderContext
from agent_core.destinations import parse
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings
from agent_core.tools import stalls
from agent_core.tools.registry import ToolRegistry

YAML = "name: Shop\nnumbers: ['+15550100009']\n"
TOOLS = """
from typing import Any
from agent_core.agents import Call, ToolFailure, tool
from .stock import LEFT

@tool(acts=True)
def order(what: str, call: Call) -> dict[str, Any]:
    '''Order something.'''
    return {"left": LEFT, "key": call.key, "agent": call.agent, "url": call.settings["SHOP_URL"]}
"""


def write(root: Path, name: str, yaml: str = YAML, *, tools: str | None = None, **files: str) -> Path:
    """Write an agent's folder."""
    made = root / name
    made.mkdir(parents=True, exist_ok=True)
    (made / "agent.yaml").write_text(yaml, encoding="utf-8")
    (made / "instructions.md").write_text(files.pop("instructions", "Sell things for ${name}.\n"), encoding="utf-8")
    for path, text in {**files, **({"tools": tools} if tools is not None else {})}.items():
        (made / f"{path}.py").write_text(text, encoding="utf-8")
    return made


def context(variables: Mapping[str, str] | None = None) -> FolderContext:
    """Return what a folder is read with."""
    return FolderContext(CoreSettings(), variables or {}, parse("desk=tel:+15550100900"))


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        ("name: Shop\nnumber: 1\n", "agents/shop/agent.yaml, line 2: number is not known here; known are name, desc"),
        ("description: a shop\n", "agents/shop/agent.yaml, line 1: name is missing"),
        ("", "agents/shop/agent.yaml, line 1: the file needs at least name:"),
        ("name: [\n", "agents/shop/agent.yaml, line 2:"),
        ("name: a\nname: b\n", "agents/shop/agent.yaml, line 2: 'name' is here twice"),
        (
            "name: a\npage: &p {title: b}\nlimits: *p\n",
            "agents/shop/agent.yaml, line 2: write the value out instead of an alias",
        ),
        ("name: a\nnumbers:\n  - '+15550100009'\n  - 5550100\n", "agents/shop/agent.yaml, line 4: numbers.1"),
        ("name: a\nnumbers: ['0700']\n", "line 2: numbers.0 must be a number in E.164, such as +15550100002"),
        ("name: a\nlanguage: sv-SE\n", "agents/shop/agent.yaml, line 2: language: Input should be 'en-US'"),
        ("name: a\nvoice: nobody\n", "agents/shop/agent.yaml, line 2: amazon.nova-2-5-sonic has no voice nobody"),
        ("name: a\npage:\n  path: /shop\n", "agents/shop/agent.yaml, line 3: page.path must be / or /a/"),
        ("name: a\npage: {path: /a/other}\n", "line 2: path must be / or /a/shop"),
        ("name: a\npage:\n  colors: {accent: red}\n", "line 3: page.colors.accent must be a color such as #b3261e"),
        (
            "name: a\npage:\n  texts:\n    talk: Go\n    tlak: Go\n",
            "agents/shop/agent.yaml, line 5: tlak is not known here; did you mean talk?",
        ),
        ("name: a\npage:\n  texts: {xyzzy: Go}\n", "line 3: xyzzy is not known here; docs/howto/write-an-agent.md"),
        ("name: a\npage:\n  texts: {talk: ''}\n", "line 3: page.texts.talk"),
        ("name: a\npage:\n  texts: {talk: For $5}\n", "line 3: talk has a $ without a name; write $$"),
        (
            "name: a\npage:\n  texts: {mute_tip: Still $kee}\n",
            "line 3: mute_tip must have exactly its placeholders (here: $key); compare $kee, $key",
        ),
        ("name: a\npage:\n  texts: {ai: Say hello.}\n", "line 3: ai must say that this is an AI"),
        ("name: a\npeople:\n- {name: x, address: 'tel:+1900555'}\n", "line 3: people.0.address: a premium-rate number"),
        ("name: a\npeople:\n- {name: x, address: $HOST}\n", "line 3: the variable $HOST is not set"),
        ("name: a\nopening_hours:\n  someday: closed\n", "line 2: opening_hours: 'someday' is no day"),
        ("name: a\nopening_hours:\n  mon: 9-5\n", "'9-5' is no time: write 12:00-14:30, or closed"),
        ("name: a\ntime_zone: Mars/North\n", "line 2: time_zone: unknown time zone"),
        ("name: a\nsecrets: [TOKEN]\n", "agents/shop/agent.yaml, line 2: the variable TOKEN is not set"),
        ("name: a\ntools: [sell]\n", "line 2: there is no tool sell; no function of tools.py is marked with @tool"),
    ],
)
def test_a_mistake_in_agent_yaml_names_file_line_and_what_is_right(tmp_path: Path, yaml: str, problem: str) -> None:
    """Each reason says where to look, and none repeats an address."""
    with pytest.raises(ConfigurationError) as refused:
        folder.read(write(tmp_path, "shop", yaml), context())
    assert problem in refused.value.reason
    assert "+1900555" not in refused.value.reason


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ("def order(:\n", "agents/shop/tools.py, line 1: invalid syntax"),
        ("\nimport does_not_exist\n", "agents/shop/tools.py, line 2: ModuleNotFoundError"),
        ("from .stock import LEFT\n", "agents/shop/tools.py, line 1: ModuleNotFoundError"),
        ("\n\nprint(1 / 0)\n", "agents/shop/tools.py, line 3: ZeroDivisionError"),
        (
            "from agent_core.agents import tool\n\n@tool\ndef order(what: object) -> dict:\n    '''Order.'''\n",
            "agents/shop/tools.py, line 3:",
        ),
        (
            "from agent_core.agents import tool\n@tool\ndef end_call() -> dict:\n    '''End.'''\n",
            "agents/shop/tools.py: a tool has the name of one of the runtime's own",
        ),
    ],
)
def test_a_mistake_in_tools_py_names_file_and_line(tmp_path: Path, tools: str, problem: str) -> None:
    """Any error of the import is caught, whatever the code does."""
    with pytest.raises(ConfigurationError) as refused:
        folder.read(write(tmp_path, "shop", tools=tools), context())
    assert problem in refused.value.reason


def test_an_agent_words_the_pages_texts_differently(tmp_path: Path) -> None:
    """With or without braces, and with a dollar sign; what says that this is an AI may say it in other words."""
    texts = 'talk: "Nur 5 $$"\n    mute_tip: "Still ${key}"\n    unmute_tip: "An $key"\n    ai: Hier spricht eine KI.'
    agent = folder.read(
        write(tmp_path, "shop", f"name: Laden\nlanguage: de-DE\npage:\n  texts:\n    {texts}\n"), context()
    )
    assert dict(agent.file.page.texts) == {
        "talk": "Nur 5 $$",
        "mute_tip": "Still ${key}",
        "unmute_tip": "An $key",
        "ai": "Hier spricht eine KI.",
    }


def test_a_variable_that_nothing_fills_in_is_found(tmp_path: Path) -> None:
    """The caller would hear it; a price with a dollar sign stays."""
    with pytest.raises(ConfigurationError, match=r"instructions.md, line 2: \$\{nam\} is not filled in"):
        folder.read(write(tmp_path, "shop", instructions="A pie is $5.\nYou are ${nam}.\n"), context())
    kept = folder.read(write(tmp_path, "shop", instructions="A pie costs $5, says ${name}."), context())
    assert kept.instructed(datetime(2026, 5, 1, 12), "") == "A pie costs $5, says Shop."  # noqa: DTZ001 - a local time


async def test_a_tool_gets_its_call(tmp_path: Path) -> None:
    """The function runs, with its neighbour file, what agent.yaml declares, and an idempotency key."""
    yaml = f"{YAML}environment: {{SHOP_URL: https://shop.example}}\n"
    agent = folder.read(write(tmp_path, "shop", yaml, tools=TOOLS, stock="LEFT = 3\n"), context())
    registry = ToolRegistry(agent.tools)
    assert [spec.name for spec in registry.specs] == ["order", "transfer_to_human", "end_call"]
    assert list(registry.specs[0].properties) == ["what"], "the model does not see the call"
    first = (await registry.call("order", {"what": "pie"})).value
    assert (first["left"], first["agent"], first["url"]) == (3, "shop", "https://shop.example")
    again = (await registry.call("order", {"what": "pie"})).value
    other = (await registry.call("order", {"what": "tea"})).value
    anew = (await registry.call("order", {"what": "pie"})).value
    assert first["key"] == again["key"]
    assert len({first["key"], other["key"], anew["key"]}) == 3


def test_broken_folders_leave_the_others_alone(tmp_path: Path) -> None:
    """One with a mistake is left out; with no usable one, the service refuses to start and says why."""
    write(tmp_path, "a", "name: A\npage: {path: /}\n")
    write(tmp_path, "b", "name: B\n", tools="def (")
    agents = AgentCatalogue.read(tmp_path, context())
    assert [agent.id for agent in agents.all] == ["a"]
    assert "agents/b/tools.py, line 1" in agents.problems["b"]
    write(tmp_path, "a", "nam: A\n")
    with pytest.raises(ConfigurationError, match=r"agents/a/agent.yaml, line 1.*agents/b/tools.py, line 1"):
        AgentCatalogue.read(tmp_path, context())


def test_agents_that_a_call_cannot_choose_among_refuse_to_start(tmp_path: Path) -> None:
    """Two with one number or page, and several without a default."""
    write(tmp_path, "a", f"{YAML}page: {{path: /}}\n")
    write(tmp_path, "b", YAML)
    with pytest.raises(ConfigurationError, match=r"agents/b/agent.yaml: agents/a has the number \+15550100009 too"):
        AgentCatalogue.read(tmp_path, context())
    write(tmp_path, "b", "name: B\npage: {path: /}\n")
    with pytest.raises(ConfigurationError, match=r"agents/b/agent.yaml: agents/a has the page / too"):
        AgentCatalogue.read(tmp_path, context())
    write(tmp_path, "a", YAML)
    write(tmp_path, "b", "name: B\n")
    with pytest.raises(ConfigurationError, match="no agent is the default"):
        AgentCatalogue.read(tmp_path, context())


def test_a_conversation_selects_its_agent(tmp_path: Path) -> None:
    """By number, page or name; what is unknown by number is the default's, by name an error."""
    write(tmp_path, "a", "name: A\npage: {path: /}\n")
    write(tmp_path, "b", YAML)
    agents = AgentCatalogue.read(tmp_path, context())
    assert agents.for_number("+15550100009").id == "b"
    assert agents.for_number("+15550100000").id == agents.for_page("/").id == agents.named("").id == "a"
    assert agents.for_page("/a/b").id == agents.named("b").id == "b"
    with pytest.raises(UnknownAgent):
        agents.for_page("/a/c")
    with pytest.raises(UnknownAgent):
        agents.named("c")


async def test_an_edit_applies_from_the_next_conversation(tmp_path: Path) -> None:
    """A conversation keeps its version, also when it is resumed; a broken edit changes nothing."""
    made = write(tmp_path, "a", instructions="Old.", tools=TOOLS.replace("from .stock import LEFT", "LEFT = 1"))
    (made / "agent.yaml").write_text(f"{YAML}environment: {{SHOP_URL: u}}\n", encoding="utf-8")
    agents = AgentCatalogue.read(tmp_path, context())
    old = agents.default
    (made / "instructions.md").write_text("New.", encoding="utf-8")
    new = (await agents.refreshed()).default
    assert (old.instructions, new.instructions) == ("Old.", "New.")
    assert agents.resumed("a", old.version) is old
    assert agents.resumed("a", "of another task") is new
    (made / "tools.py").write_text("def (", encoding="utf-8")
    assert (await agents.refreshed()).default is new
    assert "tools.py, line 1" in agents.problems["a"]
    (made / "tools.py").write_text("", encoding="utf-8")
    repaired = (await agents.refreshed()).default
    assert [tool.spec.name for tool in repaired.tools] == ["transfer_to_human", "end_call"]
    assert not agents.problems
    assert (await ToolRegistry(old.tools).call("order", {"what": "pie"})).outcome == "ok", "running calls keep theirs"


async def test_folders_without_an_edit_are_not_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call would wait for the listing, and the event loop with it."""
    made = write(tmp_path, "a", "name: A\n")
    agents = AgentCatalogue.read(tmp_path, context())
    await agents.refreshed()
    listed: list[Path] = []
    list_files = folder.files_of

    def count(path: Path) -> list[Path]:
        listed.append(path)
        return list_files(path)

    monkeypatch.setattr(folder, "files_of", count)
    for _ in range(20):
        await agents.refreshed()
    assert listed == []
    (made / "sentences.yaml").write_text("busy: All our ovens are hot.\n", encoding="utf-8")
    await agents.refreshed()
    assert listed, "a new file is seen"


async def test_a_new_folder_is_an_agent_and_a_removed_one_is_none(tmp_path: Path) -> None:
    """Agents come and go while the service runs."""
    write(tmp_path, "a", "name: A\npage: {path: /}\n")
    agents = AgentCatalogue.read(tmp_path, context())
    made = write(tmp_path, "b", YAML)
    assert {agent.id for agent in (await agents.refreshed()).all} == {"a", "b"}
    (made / "agent.yaml").unlink()
    assert [agent.id for agent in (await agents.refreshed()).all] == ["a"]


async def test_versions_that_nobody_uses_are_forgotten(tmp_path: Path) -> None:
    """A hundred edits leave a bounded number of modules and resources."""
    source = TOOLS.replace("from .stock import LEFT", "LEFT = NUMBER") + RESOURCES
    made = write(tmp_path, "a", f"{YAML}environment: {{SHOP_URL: u}}\n", tools=source.replace("NUMBER", "0"))
    agents = AgentCatalogue.read(tmp_path, context())
    async with agents.running():
        for number in range(1, 60):
            (made / "tools.py").write_text(source.replace("NUMBER", str(number)), encoding="utf-8")
            await agents.refreshed()
        held = [name for name in sys.modules if name.startswith("agent_folders.a_") and name.endswith(".tools")]
        assert 1 < len(held) < 30
        current = sys.modules[f"agent_folders.a_{agents.default.version}.tools"]
        assert current.EVENTS == ["opened"]
    assert current.EVENTS == ["opened", "closed"]


RESOURCES = """
from contextlib import asynccontextmanager
EVENTS = []

@asynccontextmanager
async def resources(settings):
    EVENTS.append("opened")
    yield "pool"
    EVENTS.append("closed")
"""


async def test_resources_that_cannot_be_opened_disable_their_agent(tmp_path: Path) -> None:
    """The default agent's stop the start instead: it answers every number that no agent lists."""
    broken = RESOURCES.replace('EVENTS.append("opened")', "1 / 0")
    write(tmp_path, "a", "name: A\npage: {path: /}\n")
    write(tmp_path, "b", YAML, tools=broken)
    agents = AgentCatalogue.read(tmp_path, context())
    async with agents.running():
        assert [agent.id for agent in agents.all] == ["a"]
        assert "ZeroDivisionError" in agents.problems["b"]
    write(tmp_path, "a", "name: A\npage: {path: /}\n", tools=broken)
    with pytest.raises(ConfigurationError, match=r"agents/a/tools.py: resources: ZeroDivisionError"):
        async with AgentCatalogue.read(tmp_path, context()).running():
            pass


async def test_a_blocking_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An async tool that blocks the loop is reported by name; one without async does not block it."""
    # Every step is too long, so that the test needs no seconds of this machine.
    monkeypatch.setattr(stalls, "STALL_SECONDS", 0.0)
    source = (
        "from agent_core.agents import tool\n"
        "@tool\nasync def slow() -> dict:\n    '''Block.'''\n    return {}\n"
        "@tool\ndef threaded() -> dict:\n    '''Wait.'''\n    return {}\n"
    )
    agent = folder.read(write(tmp_path, "shop", tools=source), context())
    with capture_logs() as logged:
        await asyncio.gather(*(ToolRegistry(agent.tools).call(name, {}) for name in ("slow", "threaded")))
    assert [(each["event"], each["tool"]) for each in logged] == [("tool_blocks", "slow")]


def test_opening_hours() -> None:
    """Days in ranges, several spans a day, and what the prompt says."""
    week = opening_hours.parse({"mon-fri": ["12:00-14:30", "18:00-24:00"], "sat-sun": "closed"})
    assert opening_hours.words(week) == (
        "- Monday to Friday: 12:00 to 14:30, 18:00 to midnight\n- Saturday to Sunday: closed"
    )
    at = {hour: datetime(2026, 11, 30, hour) for hour in (11, 12, 15, 23)}  # noqa: DTZ001 - local times, a Monday
    assert [hour for hour, now in at.items() if opening_hours.is_open(week, now)] == [12, 23]


async def test_an_undone_edit_has_its_resources_again(tmp_path: Path) -> None:
    """The same version in another object shares what its first one opened."""
    tools = """
from contextlib import asynccontextmanager
from agent_core.agents import Call, tool

@asynccontextmanager
async def resources(settings):
    yield {"open": True}

@tool
def look(call: Call) -> dict:
    '''Look.'''
    return dict(call.resources)
"""
    write(tmp_path, "shop", tools=tools)
    async with AgentCatalogue.read(tmp_path, context()).running() as agents:
        for instructions in ("Sell.\n", "Sell things for ${name}.\n"):
            write(tmp_path, "shop", tools=tools, instructions=instructions)
            await agents.refreshed()
            assert (await ToolRegistry(agents.default.tools).call("look", {})).value == {"open": True}
