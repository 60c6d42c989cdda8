"""Pipecat's own record of a conversation stays bounded, whatever a visitor types."""

from agent_core.pipeline import MAX_CHARACTERS, MAX_MESSAGES, RecentContext


def words(context: RecentContext) -> list[str]:
    """Return the kept words."""
    return [str(message["content"]) for message in context.messages if isinstance(message, dict)]


def test_the_newest_messages_are_kept() -> None:
    """The newest messages are kept, however they arrive."""
    context = RecentContext()
    for number in range(500):
        context.add_message({"role": "user", "content": str(number)})
    context.add_messages([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
    assert len(context.messages) == MAX_MESSAGES
    assert words(context)[-3:] == ["499", "a", "b"]


def test_long_messages_are_fewer() -> None:
    """The bound is in characters, and the newest message is kept whole."""
    context = RecentContext()
    for _ in range(1000):
        context.add_message({"role": "user", "content": "\U0001f600" * 1000})
        assert sum(map(len, words(context))) <= MAX_CHARACTERS
    context.add_message({"role": "user", "content": "x" * (2 * MAX_CHARACTERS)})
    assert list(map(len, words(context))) == [2 * MAX_CHARACTERS]
