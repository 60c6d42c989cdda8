"""Whoever made the mistake is told so: what the other side did wrong is never called our fault."""

import pytest

from agent_core.errors import AgentError, AtCapacity, Draining, Forbidden, ProtocolError


@pytest.mark.parametrize("kind", [Forbidden, ProtocolError, AtCapacity, Draining])
def test_a_refusal_says_why(kind: type[AgentError]) -> None:
    """The sentence for defects of ours stands for nothing else."""
    assert kind("reason").spoken != AgentError("reason").spoken
