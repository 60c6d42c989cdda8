"""Offer what the code of an agent's folder needs; see ``docs/howto/write-an-agent.md``.

Example:
    ``from agent_core.agents import Call, ToolFailure, tool``
"""

from agent_core.agents.toolkit import tool
from agent_core.capture.kinds import Date, Email, Name, Number, Phone, Postcode
from agent_core.tools.call import Call
from agent_core.tools.registry import ToolFailure

__all__ = ["Call", "Date", "Email", "Name", "Number", "Phone", "Postcode", "ToolFailure", "tool"]
