"""Understand speech with pocketsphinx and a language model of our own. Blocks and holds the GIL: keep it off a loop."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pocketsphinx
from pocketsphinx.lm import ArpaBoLM

from standins.speech.pronunciation import dictionary
from standins.speech.telephone_band import prepare

# The mean of our test sentences, as `Decoder.get_cmn` gives it. With pocketsphinx's own guess ("40,3,-1") the first
# second of every call is misheard: 31 % right instead of 98 % at 8 kHz.
_CEPSTRAL_MEAN = "57.40,5.03,-1.24,4.96,-5.11,0.29,-3.31,12.22,-1.19,1.92,-1.93,3.65,-0.17"
_ACTIVE_STATES = 500
"""Of the search at any time: 15 % faster than the default of 30 000, and no more errors in 346 sentences."""
_QUICK = {"ds": 2, "topn": 2}
"""Score every second frame, with half of the densities: 76 instead of 133 ms of CPU for a question."""
_SURE = -3.0
"""Above this log posterior a quick look is good enough: with a second, careful one below it, 168 of 172 questions of
our own voice are right (167 with careful looks alone) and 12 % of them are looked at twice."""
_MARGIN_SECONDS = 0.2
"""Silence put around an utterance: a decoder wants to hear where it begins and ends."""
NOTHING = -99.0
"""The log posterior of an utterance in which no word was found."""


@dataclass(frozen=True)
class DecodedWords:
    """Words, and how sure the decoder is of them: a logarithm, 0 is certain."""

    text: str
    log_posterior: float


class Recogniser:
    """A decoder for one small world of sentences. About 25 MB and half a second to build.

    Args:
        sentences: lower-case sentences of known words, each as often as it is likely.
        freedom: the share of probability left for orders of words that are in no sentence.
        can_hurry: whether to keep a second, quick decoder beside the careful one.
    """

    def __init__(self, sentences: Sequence[str], *, freedom: float = 0.5, can_hurry: bool = False) -> None:
        words = {word for sentence in sentences for word in sentence.split()}
        with tempfile.TemporaryDirectory(prefix="standins-speech-") as folder:
            model, words_file = Path(folder, "sentences.arpa"), Path(folder, "words.dict")
            counts = ArpaBoLM(text="\n".join(sentences), add_start=True, discount_mass=freedom)
            counts.compute()
            counts.write_file(str(model))
            words_file.write_text(dictionary(words), encoding="utf-8")
            self._careful = _decoder(model, words_file, {})
            self._quick = _decoder(model, words_file, _QUICK) if can_hurry else None

    def transcribe(self, pcm: bytes, sample_rate: int, *, hurry: bool = False) -> DecodedWords:
        """Transcribe one utterance of 16-bit mono PCM. Takes about 5 % of its length, in a hurry mostly 3 %."""
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
    decoder.set_cmn(_CEPSTRAL_MEAN)
    decoder.start_utt()
    decoder.process_raw(sound, no_search=False, full_utt=False)
    decoder.end_utt()
    best = decoder.hyp()
    if best is None or not best.hypstr:
        return DecodedWords("", NOTHING)
    return DecodedWords(best.hypstr, math.log(best.prob) if best.prob > 0 else NOTHING)
