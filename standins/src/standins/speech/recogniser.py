"""Understand speech with pocketsphinx and a language model of our own. Blocks and holds the GIL: keep it off a loop."""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pocketsphinx
from pocketsphinx.lm import ArpaBoLM

from standins.speech.pronunciation import dictionary
from standins.speech.telephone import prepare

# The mean of our test sentences, as `Decoder.get_cmn` gives it. With pocketsphinx's own guess ("40,3,-1") the first
# second of every call is misheard: 31 % right instead of 98 % at 8 kHz.
_CEPSTRAL_MEAN = "57.40,5.03,-1.24,4.96,-5.11,0.29,-3.31,12.22,-1.19,1.92,-1.93,3.65,-0.17"
_ACTIVE_STATES = 1500
"""Of the search at any time: 10 % faster than the default of 30 000, and no more errors in 148 sentences."""
_MARGIN_SECONDS = 0.2
"""Silence put around an utterance: a decoder wants to hear where it begins and ends."""
NOTHING = -99.0
"""The log posterior of an utterance in which no word was found."""


@dataclass(frozen=True)
class Transcript:
    """Words, and how sure the decoder is of them: a logarithm, 0 is certain."""

    text: str
    log_posterior: float


class Recogniser:
    """A decoder for one small world of sentences. About 25 MB and half a second to build.

    Args:
        sentences: lower-case sentences of known words, each as often as it is likely.
        freedom: the share of probability left for orders of words that are in no sentence.
    """

    def __init__(self, sentences: Sequence[str], *, freedom: float = 0.5) -> None:
        words = {word for sentence in sentences for word in sentence.split()}
        with tempfile.TemporaryDirectory(prefix="standins-speech-") as folder:
            model, words_file = Path(folder, "sentences.arpa"), Path(folder, "words.dict")
            counts = ArpaBoLM(text="\n".join(sentences), add_start=True, discount_mass=freedom)
            counts.compute()
            counts.write_file(str(model))
            words_file.write_text(dictionary(words), encoding="utf-8")
            self._decoder = pocketsphinx.Decoder(
                lm=str(model), dict=str(words_file), fwdflat=False, maxhmmpf=_ACTIVE_STATES, loglevel="FATAL"
            )

    def transcribe(self, pcm: bytes, sample_rate: int) -> Transcript:
        """Transcribe one utterance of 16-bit mono PCM. Takes about 5 % of its length."""
        margin = bytes(2 * int(sample_rate * _MARGIN_SECONDS))
        sound = prepare(margin + pcm + margin, sample_rate)
        self._decoder.set_cmn(_CEPSTRAL_MEAN)
        self._decoder.start_utt()
        self._decoder.process_raw(sound.tobytes(), no_search=False, full_utt=False)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        if best is None or not best.hypstr:
            return Transcript("", NOTHING)
        return Transcript(best.hypstr, math.log(best.prob) if best.prob > 0 else NOTHING)
