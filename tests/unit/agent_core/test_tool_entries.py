"""Entries of ``tools:`` in agent.yaml are checked with file and line, and become tools."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from agent_core.agents import folder
from agent_core.agents.agent import Agent
from agent_core.agents.agent_file import AgentFile
from agent_core.agents.folder import FolderContext
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings
from agent_core.tools.mcp_server import ListedTool, McpServer
from agent_core.tools.registry import ToolRegistry

HEAD = "name: Shop\nenvironment: {DESK_URL: ''}\nsecrets: [TOKEN]\ntools:\n"
ORDER = """
- http: POST https://api.example.com/orders/{order}
  name: send_order
  description: Send an order.
  parameters:
    type: object
    properties: {order: {type: string, description: Its number}}
    required: [order]
"""
TOOLS = """
from agent_core.agents import tool

@tool
def stock() -> dict:
    '''Say what is left.'''
    return {}
"""


def write(root: Path, tools: str, **documents: str) -> Path:
    """Write an agent's folder."""
    made = root / "shop"
    (made / "knowledge").mkdir(parents=True)
    (made / "agent.yaml").write_text(HEAD + tools, encoding="utf-8")
    (made / "instructions.md").write_text("Sell things.\n", encoding="utf-8")
    (made / "tools.py").write_text(TOOLS, encoding="utf-8")
    for name, text in documents.items():
        (made / "knowledge" / f"{name}.md").write_text(text, encoding="utf-8")
    return made


def read(root: Path, tools: str, variables: Mapping[str, str] | None = None, **documents: str) -> Agent:
    """Read such a folder."""
    settings = CoreSettings(tool_private_hosts="127.0.0.1:8449")  # type: ignore[arg-type] # as in the environment
    context = FolderContext(settings, {"TOKEN": "secret", **(variables or {})})
    return folder.read(write(root, tools, **documents), context)


def names(agent: Agent) -> list[str]:
    """Return the tools that the model sees, without the runtime's own."""
    return [tool.spec.name for tool in agent.tools if tool.spec.name not in ("end_call", "transfer_to_human")]


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ("- stock\n- {}\n", "line 6: tools.1: write the name of a function of tools.py, or an entry with mcp:"),
        ("- 5\n", "line 5: tools.0: write the name of a function of tools.py, or an entry with mcp:"),
        ("- sell it\n", "line 5: tools.0 must be a name of letters, digits and _"),
        ("- mcp: https://desk.example.com/mcp\n", "line 5: tools.0.allow is missing"),
        ("- mcp: https://desk.example.com/mcp\n  allow: []\n", "line 6: tools.0.allow: Tuple should have at least 1"),
        ("- mcp: https://desk.example.com/mcp\n  allow: [a/b]\n", "line 6: tools.0.allow.0 must be names of letters"),
        ("- mcp: https://desk.example.com/mcp\n  allow: [a]\n  reads: [b]\n", "reads names b, which is not in allow"),
        ("- mcp: http://desk.example.com/mcp\n  allow: [a]\n", "line 5: the URL must begin with https://"),
        ("- mcp: https://10.0.0.7/mcp\n  allow: [a]\n", "line 5: the host must be a public name such as"),
        ("- mcp: http://127.0.0.1:8450/mcp\n  allow: [a]\n", "line 5: the URL must begin with https://"),
        (
            "- mcp: 'python -c \"x'\n  allow: [a]\n",
            "line 5: tools.0.mcp: a quotation mark of the command is",
        ),
        ("- mcp: $desk\n  allow: [a]\n", "line 5: tools.0.mcp: a variable is $ and its name in capitals"),
        ("- mcp: $OTHER_URL\n  allow: [a]\n", "line 5: $OTHER_URL is not declared: add OTHER_URL to environment"),
        (
            "- mcp: https://desk.example.com/\n  allow: [a]\n  headers: {authorization: Bearer $TOKN}\n",
            "line 7: $TOKN is not declared",
        ),
        (
            "- mcp: https://desk.example.com/\n  allow: [a]\n  deadline: 90s\n",
            "line 7: tools.0.deadline: Input should be less than or equal to 50",
        ),
        (
            "- mcp: https://desk.example.com/\n  allow: [a]\n  dedline: 9s\n",
            "line 7: tools.0.dedline is not known here",
        ),
        (
            "- mcp: desk\n  allow: [stock]\n- stock\n",
            "line 4: a tool has the name of one of the runtime's own, or of",
        ),
        ("- mcp: desk\n  allow: [end_call]\n", "line 4: a tool has the name of one of the runtime's own"),
        (
            "- http: https://api.example.com/\n",
            "line 5: tools.0.http: write POST https://api.example.com/",
        ),
        (ORDER.replace("POST", "TRACE"), "line 6: tools.0.http: write POST https://api.example.com/"),
        (ORDER.replace("https://api", "http://api"), "line 6: the URL must begin with https://"),
        (ORDER.replace("api.example.com", "{order}.example.com"), "a parameter can stand in the path only"),
        (ORDER.replace("/{order}", "/{order}?a=b"), "parameters become the query; write the URL without ?"),
        (ORDER.replace("[order]", "[]"), "tools.0: the path has {order}, which must be a required parameter"),
        (ORDER.replace("required: [order]", "required: [other]"), "required names 'other', which is not in properties"),
        (
            ORDER + "  hosts: [other.example.com]\n",
            "line 13: the URL has the host api.example.com, which hosts",
        ),
        (ORDER + "  headers: {Host: other}\n", "line 13: tools.0.headers: Host is set by the runtime"),
        (
            ORDER + '  headers: {X-A: "a\\r\\nb: c"}\n',
            "line 13: tools.0.headers.X-A: a header has only ASCII",
        ),
        (
            ORDER.replace("https://api.example.com", "$DESK_URL"),
            "hosts is missing: it lists the hosts",
        ),
        (ORDER.replace("{type: string, desc", "{type: thing, desc"), "the model must be given one type"),
        (ORDER + "  captured: {order: mail}\n", "line 13: tools.0.captured.order: Input should be 'email', 'phone'"),
        (ORDER + "  captured: {mail: email}\n", "captured names 'mail', which must be a parameter of type string"),
        (
            ORDER.replace("{type: string, desc", "{type: integer, desc") + "  captured: {order: number}\n",
            "captured names 'order', which must be a parameter of type string",
        ),
        ("- mcp: desk\n  allow: [a]\n  captured: {b: {mail: email}}\n", "captured names b, which is not in allow"),
        ("- mcp: desk\n  allow: [a]\n  captured: {a: email}\n", "line 7: tools.0.captured.a: Input should be a valid"),
        ("- knowledge: folder\n", "line 5: there is no text in knowledge/*.md"),
        ("- knowledge: {bedrock: short}\n", "line 5: tools.0.knowledge.bedrock must be the id of a knowledge base"),
        ("- knowledge: files\n", "line 5: tools.0.knowledge"),
    ],
)
def test_a_mistake_names_file_and_line_and_what_is_right(tmp_path: Path, tools: str, problem: str) -> None:
    """As for every other field; no reason repeats a secret."""
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, tools)
    assert problem in refused.value.reason
    assert refused.value.reason.startswith("agents/shop/agent.yaml, line ")
    assert "secret" not in refused.value.reason.replace("secrets", "")


def test_entries_become_tools_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Functions, requests, servers and documents beside one another."""
    tools = f"{ORDER}- stock\n- mcp: http://127.0.0.1:8449/mcp\n  allow: [book, cancel]\n- knowledge: folder\n"
    agent = read(tmp_path, tools, house="# Dogs\n\nDogs are welcome.\n")
    assert names(agent) == ["send_order", "stock", "book", "cancel", "search_knowledge"]
    order = agent.tools[0]
    assert (order.acts, order.timeout, order.failure) == (True, 5.0, "tool_failed")
    assert order.spec.required == ["order"]
    assert [server.options.place for server in agent.servers] == ["127.0.0.1"]


@pytest.mark.parametrize(("deadline", "seconds"), [("2", 2.0), ("2s", 2.0), ("500ms", 0.5), ("1.5 s", 1.5)])
def test_a_deadline_is_written_with_its_unit(tmp_path: Path, deadline: str, seconds: float) -> None:
    """Seconds without one."""
    assert read(tmp_path, f"{ORDER}  deadline: {deadline}\n").tools[0].timeout == seconds


def test_an_entry_whose_variable_is_empty_is_left_out(tmp_path: Path) -> None:
    """An agent works without the service, and with it once the operator names it."""
    tools = (
        "- stock\n- mcp: $DESK_URL\n  allow: [book]\n"
        + ORDER.replace("https://api.example.com", "$DESK_URL")
        + "  hosts: ['127.0.0.1']\n"
    )
    assert names(read(tmp_path / "without", tools)) == ["stock"]
    agent = read(tmp_path / "with", tools, {"DESK_URL": "http://127.0.0.1:8449"})
    assert names(agent) == ["stock", "book", "send_order"]
    with pytest.raises(ConfigurationError, match=r"the host api\.example\.com, which hosts does not list"):
        read(tmp_path / "elsewhere", tools, {"DESK_URL": "https://api.example.com"})


@pytest.mark.parametrize("value", ["http://169.254.169.254", "https://user@desk.example.com", "https://a.b\r\nX: y"])
def test_a_variable_cannot_lead_where_the_file_could_not(tmp_path: Path, value: str) -> None:
    """The same checks, and no line break that would add a header."""
    with pytest.raises(ConfigurationError, match=r"^agents/shop/agent\.yaml, line 5: "):
        read(tmp_path, "- mcp: $DESK_URL\n  allow: [book]\n", {"DESK_URL": value})


async def test_a_tool_of_a_server_without_a_catalogue_is_honest(tmp_path: Path) -> None:
    """The model learns what to say, and nothing waits."""
    agent = read(tmp_path, "- mcp: http://127.0.0.1:8449/mcp\n  allow: [book]\n  failure: desk_failed\n")
    result = await ToolRegistry(agent.tools).call("book", {})
    assert (result.outcome, result.value["error"]) == ("error", "desk_failed")
    assert result.value["next"].startswith("Say in one short sentence that this service cannot be reached")


async def test_a_tool_whose_captured_argument_the_server_lacks_is_left_out(tmp_path: Path) -> None:
    """The others can be used, and the log says why."""
    agent = read(tmp_path, "- mcp: desk\n  allow: [book, cancel]\n  captured: {book: {mail: email}}\n")
    (server,) = agent.servers
    schema = {"type": "object", "properties": {"mail": {"type": "integer"}}}
    listed = [ListedTool(name, "Do it.", schema) for name in ("book", "cancel")]
    with capture_logs() as logs:
        other = McpServer("shop", server.options, cast("Any", None))  # never connected
        other._take(listed)
        server.adopt(other)
    assert [tool.spec.name for tool in server.tools()] == ["cancel"]
    problems = {line["problem"] for line in logs if line["event"] == "mcp_tool_unusable"}
    assert problems == {"captured names 'mail', which must be a parameter of type string"}


def test_the_schema_for_editors_knows_the_entries() -> None:
    """An editor completes and checks them."""
    text = json.dumps(AgentFile.model_json_schema())
    for name in ("McpEntry", "HttpEntry", "KnowledgeEntry", "BedrockSource"):
        assert f'"$ref": "#/$defs/{name}"' in text
