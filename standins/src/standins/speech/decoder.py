"""Transcribes speech with pocketsphinx and a custom language model. Blocks and holds the GIL: use a worker process."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pocketsphinx
from pocketsphinx.lm import ArpaBoLM

from standins.speech.pronunciation import dictionary
from standins.speech.telephone_band import prepare

# Mean of our test sentences, from `Decoder.get_cmn`. With pocketsphinx's default ("40,3,-1"), the first second of every
# call is misheard: 31 % correct instead of 98 % at 8 kHz.
_CEPSTRAL_MEAN = "57.40,5.03,-1.24,4.96,-5.11,0.29,-3.31,12.22,-1.19,1.92,-1.93,3.65,-0.17"
_ACTIVE_STATES = 500
"""Maximum active states: 15 % faster than the default of 30 000, without more errors in 346 sentences."""
_QUICK = {"ds": 2, "topn": 2}
"""Score every second frame, with half of the densities: 76 instead of 133 ms of CPU per question."""
_SURE = -3.0
"""Above this log posterior, the quick decoder's result is used. With the careful one below it, 168 of 172 questions in
our own voice are correct (167 with the careful one alone), and 12 % need both."""
_MARGIN_SECONDS = 0.2
"""Silence added around an utterance: the decoder needs it to find the start and the end."""
NOTHING = -99.0
"""Log posterior of an utterance without recognised words."""


@dataclass(frozen=True)
class DecodedWords:
    """Words, and the decoder's confidence as a logarithm: 0 is certain."""

    text: str
    log_posterior: float


class Recogniser:
    """A decoder for a small set of sentences. Needs about 25 MB and half a second to build.

    Args:
        sentences: Lower-case sentences of known words, each as often as it is likely.
        freedom: Share of the probability for word orders that are in no sentence.
        can_hurry: Whether to build a second, quick decoder.
        more: Pronunciations in place of those in the dictionary.
    """

    def __init__(
        self,
        sentences: Sequence[str],
        *,
        freedom: float = 0.5,
        can_hurry: bool = False,
        more: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        words = {word for sentence in sentences for word in sentence.split()}
        with tempfile.TemporaryDirectory(prefix="standins-speech-") as folder:
            model, words_file = Path(folder, "sentences.arpa"), Path(folder, "words.dict")
            # Bigrams and trigrams of these sentences; the discount leaves probability for other word orders.
            counts = ArpaBoLM(text="\n".join(sentences), add_start=True, discount_mass=freedom)
            counts.compute()
            counts.write_file(str(model))
            words_file.write_text(dictionary(words, more), encoding="utf-8")
            self._careful = _decoder(model, words_file, {})
            self._quick = _decoder(model, words_file, _QUICK) if can_hurry else None

    def transcribe(self, pcm: bytes, sample_rate: int, *, hurry: bool = False) -> DecodedWords:
        """Transcribe one utterance of 16-bit mono PCM. Takes about 5 % of its duration, with `hurry` mostly 3 %."""
        # The decoder needs silence before and after an utterance.
        margin = bytes(2 * int(sample_rate * _MARGIN_SECONDS))
        sound = prepare(margin + pcm + margin, sample_rate).tobytes()
        if hurry and self._quick is not None:
            found = _decoded(self._quick, sound)
            if found.log_posterior > _SURE:
                return found
        return _decoded(self._careful, sound)


def _decoder(model: Path, words: Path, options: Mapping[str, int]) -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(
        lm=str(model), dict=str(words), fwdflat=False, maxhmmpf=_ACTIVE_STATES, loglevel="FATAL", **options
    )


def _decoded(decoder: pocketsphinx.Decoder, sound: bytes) -> DecodedWords:
    # Reset the mean: the decoder adapts it to each utterance, and callers must not influence each other.
    decoder.set_cmn(_CEPSTRAL_MEAN)
    decoder.start_utt()
    decoder.process_raw(sound, no_search=False, full_utt=False)
    decoder.end_utt()
    best = decoder.hyp()
    if best is None or not best.hypstr:
        return DecodedWords("", NOTHING)
    return DecodedWords(best.hypstr, math.log(best.prob) if best.prob > 0 else NOTHING)
