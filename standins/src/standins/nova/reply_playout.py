"""A clock of what the caller can have heard: sound is delivered faster than it plays."""

from dataclasses import dataclass


@dataclass(slots=True)
class PlayedSentence:
    """One sentence on its way to the caller's ear. Times are in seconds of the caller of `Playout`."""

    text: str
    closes_turn: bool
    seconds: float
    """How long the whole sentence sounds."""
    starts: float
    delivered: float = 0.0
    """Seconds of it that were sent."""
    complete: bool = False

    @property
    def ends(self) -> float:
        """When what was sent has played."""
        return self.starts + self.delivered

    def spoken(self, now: float) -> str:
        """Give the words played by `now`: whole words, by the share of the sound."""
        share = min(max(now - self.starts, 0.0), self.delivered) / self.seconds if self.seconds else 0.0
        words = self.text.split()
        return " ".join(words[: int(len(words) * share + 1e-9)])


class Playout:
    """Sentences in the order they play: each starts when it arrives or when the one before has played."""

    def __init__(self) -> None:
        self._queue: list[PlayedSentence] = []
        self._until = 0.0

    def begin(self, text: str, seconds: float, now: float, *, closes_turn: bool) -> PlayedSentence:
        """Note that a sentence begins to be delivered."""
        sentence = PlayedSentence(text, closes_turn, seconds, starts=max(now, self._until))
        self._queue.append(sentence)
        return sentence

    def deliver(self, sentence: PlayedSentence, seconds: float, now: float) -> None:
        """Note that more of a sentence was sent; a line that ran dry plays it from now."""
        late = now - sentence.ends
        if late > 0:
            sentence.starts += late
        sentence.delivered += seconds
        self._until = sentence.ends

    def playing(self, now: float, margin: float = 0.0) -> bool:
        """Whether the caller still hears something; `margin` is the way to the ear."""
        return bool(self._queue) and now < self._until + margin

    @property
    def next_end(self) -> float | None:
        """When the first sentence that is delivered whole has played."""
        return self._queue[0].ends if self._queue and self._queue[0].complete else None

    def played(self, now: float) -> list[PlayedSentence]:
        """Take out the sentences that have been played whole."""
        done = []
        while self._queue and self._queue[0].complete and self._queue[0].ends <= now:
            done.append(self._queue.pop(0))
        return done

    def close_turn(self) -> None:
        """Make the last sentence on its way the last of its turn."""
        if self._queue:
            self._queue[-1].closes_turn = True

    def cut(self, now: float) -> list[str]:
        """Drop everything, and give what was spoken of each sentence that was heard at all."""
        queue, self._queue, self._until = self._queue, [], now
        return [words for sentence in queue if (words := sentence.spoken(now))]
