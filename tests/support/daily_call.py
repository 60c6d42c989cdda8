"""Daily's native client without Daily: a room in memory in which Pipecat's own transport talks with a test.

Every callback comes from another thread, as from the native client: on the event loop's own thread, Pipecat would wait
for itself.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from pipecat.transports.daily import transport as pipecat_daily

PACKET_SECONDS = 0.02
RELEASE_SECONDS = 60.0
_NATIVE = {
    *("join", "leave", "release", "set_user_name", "update_subscription_profiles", "update_subscriptions"),
    *("set_audio_renderer", "send_app_message", "participants", "participant_counts"),
}

type Json = dict[str, Any]
type Completion = Callable[..., None]


@dataclass(frozen=True)
class Sound:
    """The audio that the native client passes to a renderer."""

    audio_frames: bytes
    sample_rate: int
    num_channels: int = 1


@dataclass
class House:
    """All calls made while this stands in for Daily."""

    calls: list["FakeCall"] = field(default_factory=list)
    join_error: str | None = None
    join_answers: bool = True
    releasable: threading.Event = field(default_factory=threading.Event)
    """Clear while releases hang, as the native one does behind a join without an answer."""
    frozen: list[str] = field(default_factory=list)
    """Calls to a client after its release had begun: with the native one, each would freeze the process."""

    def __post_init__(self) -> None:
        """Let releases end at once."""
        self.releasable.set()

    def client(self, event_handler: Any) -> "FakeCall":  # noqa: ANN401 - Pipecat's own
        """Replace the constructor of the native client."""
        self.calls.append(FakeCall(self, event_handler))
        return self.calls[-1]


class FakeCall:
    """One native client, as Pipecat sees it; ``visitor_…`` and ``heard`` are for the test."""

    def __init__(self, house: House, event_handler: Any) -> None:  # noqa: ANN401 - Pipecat's own
        self.did: list[str] = []
        self.messages: list[Json] = []
        self.token = ""
        self.subscriptions: Json = {}
        self.settings: Json = {}
        self._house = house
        self._events = event_handler
        self._thread = ThreadPoolExecutor(1, "daily")
        self._renderers: dict[str, tuple[Callable[..., None], int]] = {}

    def join(self, url: str, token: str, *, completion: Completion, client_settings: Json) -> None:
        """Enter the room, or fail."""
        self.did.append(f"join {url}")
        self.token, self.settings = token, client_settings
        joined = {"participants": {"local": {"id": "agent"}}, "meetingSession": {"id": "meeting"}}
        if self._house.join_error is not None:
            self._thread.submit(completion, None, self._house.join_error)
        elif self._house.join_answers:
            self._thread.submit(completion, joined, None)

    def leave(self, *, completion: Completion) -> None:
        """Leave the room."""
        self.did.append("leave")
        self._thread.submit(completion, None)

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - as the attribute
        """Record what would freeze the process."""
        if name in _NATIVE and "release" in self.did:
            self._house.frozen.append(name)
        return super().__getattribute__(name)

    def release(self) -> None:
        """Release the native parts."""
        self.did.append("release")
        assert self._house.releasable.wait(RELEASE_SECONDS)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def set_user_name(self, name: str) -> None:
        """Accept a name."""
        self.did.append(f"name {name}")

    def update_subscription_profiles(self, profiles: Json) -> None:
        """Accept the subscription profiles."""
        self.subscriptions = profiles

    def update_subscriptions(
        self, participant_settings: Json | None = None, profile_settings: Json | None = None, *, completion: Completion
    ) -> None:
        """Accept the subscriptions."""
        del participant_settings, profile_settings
        self._thread.submit(completion, None)

    def set_audio_renderer(
        self,
        participant: str,
        callback: Callable[..., None],
        *,
        audio_source: str,
        sample_rate: int,
        callback_interval_ms: int,
    ) -> None:
        """Pass a participant's audio to a callback from now on."""
        assert (audio_source, callback_interval_ms) == ("microphone", 20)
        self._renderers[participant] = (callback, sample_rate)

    def send_app_message(self, message: Json, participant: str | None, *, completion: Completion) -> None:
        """Send a message to all participants."""
        del participant
        self.messages.append(message)
        self._thread.submit(completion, None)

    def visitor_comes(self, name: str = "visitor") -> None:
        """Let a visitor enter."""
        self._thread.submit(self._events.on_participant_joined, {"id": name, "info": {}})

    def visitor_leaves(self, name: str = "visitor") -> None:
        """Let a visitor leave."""
        self._thread.submit(self._events.on_participant_left, {"id": name, "info": {}}, "leftCall")

    def visitor_says(self, message: Json, name: str = "visitor") -> None:
        """Let a visitor send a message."""
        self._thread.submit(self._events.on_app_message, message, name)

    def visitor_speaks(self, pcm: bytes, name: str = "visitor") -> None:
        """Play a visitor's audio, in packets of 20 ms in real time."""
        callback, rate = self._renderers[name]
        size = round(rate * PACKET_SECONDS) * 2

        def speak() -> None:
            for start in range(0, len(pcm), size):
                callback(name, Sound(pcm[start : start + size], rate), "microphone")
                time.sleep(PACKET_SECONDS / 4)

        self._thread.submit(speak)

    def put_out(self) -> None:
        """End the call without the agent, as when the room expires."""
        self._thread.submit(self._events.on_call_state_updated, "left")

    def is_rendering(self, name: str = "visitor") -> bool:
        """Return whether the agent subscribes to a participant's audio."""
        return name in self._renderers

    def of(self, kind: str) -> list[Json]:
        """Return the messages of a kind."""
        return [message for message in self.messages if message.get("type") == kind]


class FakeSource:
    """The agent's microphone: accepts audio as fast as it is played."""

    made: list["FakeSource"]

    def __init__(self, sample_rate: int, channels: int, auto_silence: bool) -> None:  # noqa: FBT001 - Daily's own
        assert (channels, auto_silence) == (1, True)
        self.sample_rate = sample_rate
        self.heard = bytearray()
        self._thread = ThreadPoolExecutor(1, "microphone")
        FakeSource.made.append(self)

    def write_frames(self, frames: bytes, *, completion: Completion) -> None:
        """Accept audio, and call back when it has been played."""

        def play() -> None:
            time.sleep(len(frames) / 2 / self.sample_rate)
            self.heard += frames
            completion(len(frames) // 2)

        self._thread.submit(play)


class FakeTrack:
    """A track of a source."""

    def __init__(self, source: FakeSource) -> None:
        self.id = f"track-{id(source)}"


class FakeDaily:
    """The library's global part."""

    @staticmethod
    def init() -> None:
        """Start nothing."""


def stand_for_daily(monkeypatch: pytest.MonkeyPatch) -> House:
    """Replace the native client, which offers no other hook."""
    house = House()
    FakeSource.made = []
    monkeypatch.setattr(pipecat_daily, "Daily", FakeDaily)
    monkeypatch.setattr(pipecat_daily, "CallClient", house.client)
    monkeypatch.setattr(pipecat_daily, "CustomAudioSource", FakeSource)
    monkeypatch.setattr(pipecat_daily, "CustomAudioTrack", FakeTrack)
    return house
