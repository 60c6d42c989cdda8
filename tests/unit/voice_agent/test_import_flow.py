"""`voice-agent new --flow` turns a flow of Pipecat into stages; Pipecat's own model of the file is the judge of it."""

from pathlib import Path

import pytest
from pipecat.flows import FlowConfig

from agent_core.agents import folder
from agent_core.agents.folder import FolderContext
from agent_core.agents.stages import Exit
from agent_core.settings import CoreSettings
from voice_agent.agents.new import Refused, create
from voice_agent.agents.options import NewRequest

FLOW = """
initial_node: Greet
nodes:
  pizza:
    task_messages:
      - {role: developer, content: "Take the order for {{ shop_name }}."}
    functions:
      - name: check_stock
        transition_to:
          field: status
          cases: {ok: done, sold_out: Greet}
          default: pizza
    pre_actions:
      - {type: tts_say, text: "Which pizza would you like?"}
  done:
    task_messages: [{role: developer, content: Thank the caller.}]
    post_actions: [{type: end_conversation}]
  Greet:
    role_message: You are a friendly assistant who costs $5.
    task_messages: [{role: developer, content: Ask what the caller wants.}]
    functions:
      - {name: order_pizza, transition_only: true, description: The caller wants pizza., transition_to: pizza}
  lost:
    task_messages: [{role: developer, content: Nothing leads here.}]
"""


def _request(root: Path, flow: str) -> NewRequest:
    path = root / "flow.yaml"
    path.write_text(flow, encoding="utf-8")
    return NewRequest("pizza", None, None, None, None, None, "blank", root / "agents", path)


async def test_a_flow_becomes_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nodes, transitions by a word, by a tool and by its result; what has no counterpart is printed."""
    FlowConfig.from_yaml(FLOW)
    made = create(_request(tmp_path, FLOW), None)
    agent = folder.read(made, FolderContext(CoreSettings(), {}))
    assert list(agent.stages) == ["greet", "pizza", "done"]
    assert agent.stages["greet"].exits == (Exit("pizza", "go_to_pizza"),)
    assert agent.stages["pizza"].exits == (
        Exit("done", "check_stock", "status_ok"),
        Exit("greet", "check_stock", "status_sold_out"),
    )
    assert agent.stages["pizza"].begin == "Which pizza would you like?"
    assert agent.stages["pizza"].instructions == "- Take the order for the shop name."
    assert agent.stages["done"].instructions.endswith("- Then say goodbye and call end_call.")
    assert "who costs $5." in agent.instructions
    printed = capsys.readouterr().out
    for line in (
        "tools.py: write check_stock",
        'check_stock: return {"facts": {"status_ok": …}} where status is ok',
        "node lost: nothing leads to it",
        "placeholder {{ shop_name }}",
    ):
        assert line in printed
    # The tool is there, and says honestly that it does nothing yet.
    check_stock = next(tool for tool in agent.tools if tool.spec.name == "check_stock")
    with pytest.raises(Exception, match="not_written"):
        await check_stock.run(check_stock.check({}))


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        ("nodes: [", "flow.yaml: "),
        ("initial_node: a\nnodes: {}\n", "nodes"),
        ("initial_node: a\nnodes: {a: {task_messages: []}}\nmore: 1\n", "more"),
        (
            "initial_node: a b\nnodes: {a b: {task_messages: []}, a-b: {task_messages: []}}\n",
            "two nodes have",
        ),
        ("initial_node: a\nnodes: {a: {task_messages: [], functions: [{name: do-it}]}}\n", "function 'do-it'"),
    ],
)
def test_a_file_that_is_no_flow_is_refused(tmp_path: Path, flow: str, reason: str) -> None:
    """Nothing is created, and the reason names what is wrong."""
    with pytest.raises(Refused, match=reason):
        create(_request(tmp_path, flow), None)
    assert not (tmp_path / "agents").exists()
