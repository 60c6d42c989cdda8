"""What a visitor's side sends reaches the conversation within bounds."""

from typing import Any

from webrtc_agent.client_input import BYTES_PER_SECOND, HELD_BACK_SECONDS, ClientInput


class Ear:
    """Stands for a conversation, and counts the seconds of audio that it gets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def hear(self, pcm: bytes) -> None:
        """Accept audio."""
        self.seconds += len(pcm) / BYTES_PER_SECOND


def test_nobody_speaks_faster_than_the_clock_goes() -> None:
    """An hour of audio that arrives in a moment does not become an hour of paid audio."""
    ear: Any = Ear()
    client_input = ClientInput(lambda _: None)
    client_input.session = ear
    for _ in range(3600 * 5):
        client_input.hear(bytes(BYTES_PER_SECOND // 5))
    assert HELD_BACK_SECONDS - 1 < ear.seconds < HELD_BACK_SECONDS + 5
