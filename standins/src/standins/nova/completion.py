"""Encodes the model's output events, block by block, each with the IDs that link it to its prompt."""

import base64
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

type Json = dict[str, Any]
type TextStop = Literal["PARTIAL_TURN", "END_TURN", "INTERRUPTED"]

INTERRUPTED = '{ "interrupted" : true }'
"""The older signal of an interruption; with its spaces, because clients compare the text."""
BARE_INTERRUPTED = '{"interrupted":true}'
"""The same without spaces, for a fault: never seen in the field, but clients should not depend on the spaces."""

SPEECH_TOKENS_PER_SECOND = 25.0
"""An estimate of the right order of magnitude; AWS does not publish how it counts."""


@dataclass(slots=True)
class Tokens:
    """Tokens of one direction."""

    speech: float = 0.0
    text: float = 0.0

    def hear(self, seconds: float) -> None:
        """Count audio."""
        self.speech += seconds * SPEECH_TOKENS_PER_SECOND

    def read(self, text: str) -> None:
        """Count text, at four characters per token."""
        self.text += len(text) / 4


class Completion:
    """Writes one prompt's output. Content blocks never overlap: at most one is open at a time."""

    def __init__(self, session_id: str, prompt_name: str, send: Callable[[Json], None]) -> None:
        self._send = send
        self._ids = {"sessionId": session_id, "promptName": prompt_name, "completionId": str(uuid.uuid4())}
        self._started = False
        self._open_audio: str | None = None
        # Usage events report differences to the previous one.
        self._reported = (0, 0, 0, 0)
        self.input = Tokens()
        self.output = Tokens()

    @property
    def audio_is_open(self) -> bool:
        """Whether an audio block is open, so that no other block may start."""
        return self._open_audio is not None

    def start(self) -> None:
        """Write completionStart, once."""
        if not self._started:
            self._started = True
            self._emit("completionStart")

    def user_speech_end(self) -> None:
        """Write userSpeechEnd: the caller's turn is over. No source shows fields other than the IDs."""
        self.start()
        self._emit("userSpeechEnd")

    def user_text(self, text: str) -> None:
        """Write the transcript of what the caller said."""
        self.output.read(text)
        self._text("USER", "FINAL", text, "PARTIAL_TURN")

    def speculative(self, text: str) -> None:
        """Write the text that the agent is about to say."""
        self.output.read(text)
        self._text("ASSISTANT", "SPECULATIVE", text, "PARTIAL_TURN")

    def final(self, text: str, stop: TextStop) -> None:
        """Write the text that the agent has said."""
        self._text("ASSISTANT", "FINAL", text, stop)

    def interrupted(self, sign: str = INTERRUPTED) -> None:
        """Write that the caller has interrupted."""
        self._text("ASSISTANT", "FINAL", sign, "INTERRUPTED")

    def tool_use(self, name: str, tool_use_id: str, content: object) -> None:
        """Ask the client to run a tool; `content` is its arguments as JSON, unless a fault has changed it."""
        self.output.read(str(content))
        block = self._open("TOOL", "TOOL", toolUseOutputConfiguration={"mediaType": "application/json"})
        self._emit("toolUse", contentId=block, toolName=name, toolUseId=tool_use_id, content=content)
        self._emit("contentEnd", contentId=block, type="TOOL", stopReason="TOOL_USE")

    def open_audio(self, sample_rate: int) -> None:
        """Open an audio block."""
        configuration = {
            "mediaType": "audio/lpcm",
            "sampleRateHertz": sample_rate,
            "sampleSizeBits": 16,
            "encoding": "base64",
            # The format is fixed except for the rate.
            "channelCount": 1,
        }
        self._open_audio = self._open("AUDIO", "ASSISTANT", audioOutputConfiguration=configuration)

    def audio(self, pcm: bytes) -> None:
        """Write audio to the open block."""
        self._emit("audioOutput", contentId=self._open_audio, content=base64.b64encode(pcm).decode())

    def close_audio(self, stop: str) -> None:
        """Close the open audio block, if there is one."""
        block, self._open_audio = self._open_audio, None
        if block is not None:
            self._emit("contentEnd", contentId=block, type="AUDIO", stopReason=stop)

    def usage(self, number: Callable[[int], float] = int) -> Json:
        """Write the tokens used so far, formatted by `number`, and return the totals."""
        now = (int(self.input.speech), int(self.input.text), int(self.output.speech), int(self.output.text))
        # In order: input speech, input text, output speech, output text.
        delta = tuple(new - old for new, old in zip(now, self._reported, strict=True))
        self._reported = now
        totals: Json = {
            "totalInputTokens": number(now[0] + now[1]),
            "totalOutputTokens": number(now[2] + now[3]),
            "totalTokens": number(sum(now)),
        }
        details = {"delta": _counts([*map(number, delta)]), "total": _counts([*map(number, now)])}
        self._emit("usageEvent", details=details, **totals)
        return totals

    def unknown(self) -> None:
        """Write an event type that does not exist, as a future model might."""
        self._emit("moodRingEvent", colour="teal")

    def end(self) -> None:
        """Write completionEnd, if the completion has started."""
        if self._started:
            self._emit("completionEnd", stopReason="END_TURN")

    def _text(self, role: str, stage: str, text: str, stop: TextStop) -> None:
        block = self._open(
            "TEXT",
            role,
            additionalModelFields=json.dumps({"generationStage": stage}, separators=(",", ":")),
            textOutputConfiguration={"mediaType": "text/plain"},
        )
        self._emit("textOutput", contentId=block, role=role, content=text)
        self._emit("contentEnd", contentId=block, type="TEXT", stopReason=stop)

    def _open(self, kind: str, role: str, **more: Any) -> str:  # noqa: ANN401 - JSON
        # Any block may be the first output, and completionStart must precede it.
        self.start()
        block = str(uuid.uuid4())
        self._emit("contentStart", contentId=block, type=kind, role=role, **more)
        return block

    def _emit(self, name: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        self._send({"event": {name: {**self._ids, **fields}}})


def _counts(numbers: Sequence[float]) -> Json:
    return {
        "input": {"speechTokens": numbers[0], "textTokens": numbers[1]},
        "output": {"speechTokens": numbers[2], "textTokens": numbers[3]},
    }
