"""Pipecat's own record of a conversation does not grow with what a visitor types."""

from agent_core.pipeline import MAX_MESSAGES, RecentContext


def test_the_newest_messages_are_kept() -> None:
    """However they come."""
    context = RecentContext()
    for number in range(500):
        context.add_message({"role": "user", "content": str(number)})
    context.add_messages([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
    assert len(context.messages) == MAX_MESSAGES
    assert [message["content"] for message in context.messages if isinstance(message, dict)][-3:] == ["499", "a", "b"]
