"""Send the agent's words to Pipecat's clients (RTVI) as whole sentences."""

from typing import Any

from pipecat.frames.frames import LLMTextFrame
from pipecat.observers.base_observer import FramePushed
from pipecat.processors.frameworks.rtvi import RTVIObserver, RTVIObserverParams, RTVIProcessor
from pipecat.processors.frameworks.rtvi.models import BotLLMTextMessage, BotTranscriptionMessage, TextMessageData


class SentenceObserver(RTVIObserver):
    """Reports every text of the model as one sentence.

    Clients up to 1.4 show the agent's words from ``bot-transcription`` only. Pipecat joins texts there until one ends
    with punctuation; the model sends whole sentences, and one without a full stop must not wait for the next.
    """

    async def on_push_frame(self, data: FramePushed) -> None:
        """Report a text when it is first pushed; leave everything else to Pipecat."""
        if not isinstance(data.frame, LLMTextFrame):
            await super().on_push_frame(data)
        elif data.first_push:
            text = TextMessageData(text=data.frame.text)
            await self.send_rtvi_message(BotLLMTextMessage(data=text))
            await self.send_rtvi_message(BotTranscriptionMessage(data=text))


class SentenceProcessor(RTVIProcessor):
    """Pipecat's processor with a `SentenceObserver`."""

    def create_rtvi_observer(self, *, params: RTVIObserverParams | None = None, **kwargs: Any) -> RTVIObserver:  # noqa: ANN401 - Pipecat's signature
        """Return the observer that the pipeline adds."""
        return SentenceObserver(self, params=params, **kwargs)
