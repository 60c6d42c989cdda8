"""Tracks what the caller has heard: audio is delivered faster than it plays."""

from dataclasses import dataclass


@dataclass(slots=True)
class PlayedSentence:
    """One sentence that is being delivered. Times are in seconds of the clock that `Playout`'s caller uses."""

    text: str
    closes_turn: bool
    seconds: float
    """Duration of the whole sentence."""
    starts: float
    delivered: float = 0.0
    """Seconds of it that have been sent."""
    complete: bool = False

    @property
    def ends(self) -> float:
        """When the audio sent so far has played."""
        return self.starts + self.delivered

    def spoken(self, now: float) -> str:
        """Return the words played by `now`: whole words, in proportion to the audio."""
        share = min(max(now - self.starts, 0.0), self.delivered) / self.seconds if self.seconds else 0.0
        # The small term keeps rounding errors from dropping the last word.
        words = self.text.split()
        return " ".join(words[: int(len(words) * share + 1e-9)])


class Playout:
    """Sentences in playing order: each starts on arrival, or when the previous one has played."""

    def __init__(self) -> None:
        self._queue: list[PlayedSentence] = []
        self._until = 0.0

    def begin(self, text: str, seconds: float, now: float, *, closes_turn: bool) -> PlayedSentence:
        """Add a sentence whose delivery starts."""
        # A sentence starts when the previous one has ended.
        sentence = PlayedSentence(text, closes_turn, seconds, starts=max(now, self._until))
        self._queue.append(sentence)
        return sentence

    def deliver(self, sentence: PlayedSentence, seconds: float, now: float) -> None:
        """Record that more of a sentence was sent; after an underrun, it plays from now."""
        # Late audio shifts the rest of the sentence, as a listener hears it.
        late = now - sentence.ends
        if late > 0:
            sentence.starts += late
        sentence.delivered += seconds
        self._until = sentence.ends

    def playing(self, now: float, margin: float = 0.0) -> bool:
        """Return whether the caller still hears audio; `margin` is the latency to the ear."""
        return bool(self._queue) and now < self._until + margin

    @property
    def next_end(self) -> float | None:
        """When the first completely delivered sentence has played."""
        # The end of an incomplete sentence is not known yet.
        return self._queue[0].ends if self._queue and self._queue[0].complete else None

    def played(self, now: float) -> list[PlayedSentence]:
        """Remove and return the sentences that have played completely."""
        done = []
        while self._queue and self._queue[0].complete and self._queue[0].ends <= now:
            done.append(self._queue.pop(0))
        return done

    def close_turn(self) -> None:
        """Mark the last queued sentence as the last of its turn."""
        if self._queue:
            self._queue[-1].closes_turn = True

    def cut(self, now: float) -> list[str]:
        """Drop everything, and return the spoken part of each sentence that was heard at all."""
        # Sentences that have not started yield no words.
        queue, self._queue, self._until = self._queue, [], now
        return [words for sentence in queue if (words := sentence.spoken(now))]
