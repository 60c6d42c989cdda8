"""The models that the stand-in offers, and how they differ."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from standins.nova.errors import StreamRefused

_ARN: Final = re.compile(r"arn:aws[\w-]*:bedrock:[\w-]+::foundation-model/(?P<model_id>.+)")

UNKNOWN: Final = "The provided model identifier is invalid."
RETIRED: Final = (
    "This model version has reached the end of its life. Please refer to the AWS documentation for more details."
)


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """One of AWS's speech models."""

    idle: float
    """Seconds without audio or interactive content after which it ends a stream."""
    voices: frozenset[str]
    """Its voice IDs, from AWS's user guides; it rejects any other, also with another case."""
    marks_speech_end: bool = False
    """Whether it sends `userSpeechEnd` when the caller's turn ends."""


_VOICES: Final = frozenset(
    {"matthew", "tiffany", "amy", "lupe", "carlos", "ambre", "florian", "lennart", "beatrice", "lorenzo"}
)
_VOICES_OF_NOVA_2: Final = _VOICES | {"olivia", "kiara", "arjun", "tina", "carolina", "leo"}

MODELS: Final = {
    "amazon.nova-sonic-v1:0": SpeechModel(idle=55.0, voices=_VOICES | {"greta"}),
    "amazon.nova-2-sonic-v1:0": SpeechModel(idle=295.0, voices=_VOICES_OF_NOVA_2),
    "amazon.nova-2-5-sonic": SpeechModel(idle=55.0, voices=_VOICES_OF_NOVA_2, marks_speech_end=True),
}
"""By ID. The 55 s of v1 and 295 s of Nova 2 are in their error texts; one team measured 55 s on 2.5."""

ALL: Final = frozenset(MODELS)


def chosen(name: str, offered: Collection[str], retired: Collection[str]) -> str:
    """Return the ID of the model that a request names, by ID or by ARN.

    Streams have no cross-region inference, so the ID of an inference profile is unknown.

    Raises:
        StreamRefused: The model is unknown, not offered in this region, or retired.
    """
    found = _ARN.fullmatch(name)
    model_id = found["model_id"] if found else name
    if model_id in retired:
        raise StreamRefused("ResourceNotFoundException", RETIRED, model_id)
    if model_id not in MODELS or model_id not in offered:
        raise StreamRefused("ValidationException", UNKNOWN, model_id)
    return model_id
