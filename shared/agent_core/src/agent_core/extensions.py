"""Define what an adopter adds to the Pipecat pipeline of every conversation, on the phone as on the page.

Words, turns, tools and interruptions travel through it as Pipecat's frames; a phone call's audio does not. Processors
may change or drop them, for example to redact words; observers only see them. `docs/howto/add-a-processor.md` has a
whole example.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipecat.observers.base_observer import BaseObserver
from pipecat.processors.frame_processor import FrameProcessor


@dataclass(frozen=True, slots=True)
class Extensions:
    """The processors and observers of one conversation.

    Attributes:
        caller_side: Between the caller and the model. They see the caller's words (`TranscriptionFrame`) on their way
            upstream, and what a page sends on its way downstream.
        agent_side: Behind the model. They see the agent's replies (`LLMFullResponseStartFrame`, `TTSTextFrame`,
            `FunctionCallResultFrame`).
        observers: See every frame between any two processors, and change nothing.
    """

    caller_side: Sequence[FrameProcessor] = ()
    agent_side: Sequence[FrameProcessor] = ()
    observers: Sequence[BaseObserver] = ()


type ExtensionFactory = Callable[[str], Extensions]
"""Makes new extensions for a conversation, whose session id it gets. If it fails, the conversation has none."""


def none(_session_id: str) -> Extensions:
    """Add nothing."""
    return Extensions()
