"""An error text names the party at fault: a mistake of the other side is never reported as a defect of the service."""

import pytest

from agent_core.errors import AgentError, AtCapacity, Draining, Forbidden, ProtocolError


@pytest.mark.parametrize("kind", [Forbidden, ProtocolError, AtCapacity, Draining])
def test_a_refusal_says_why(kind: type[AgentError]) -> None:
    """The sentence for defects of the service stands for no other error."""
    assert kind("reason").spoken != AgentError("reason").spoken
