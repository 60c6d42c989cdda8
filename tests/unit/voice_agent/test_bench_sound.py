"""The markers that the benchmark hides in its audio."""

from itertools import islice, pairwise

import numpy as np
import soxr

from standins.twilio import mulaw
from voice_agent.bench import script, sound

QUIET = bytes(640)
BLIP = mulaw.decode(sound.BLIP)


def found(pieces: list[bytes], rate: int = 8000) -> list[int]:
    """Return the numbers of the chunks in which a blip begins."""
    finder = sound.BlipFinder(rate)
    return [number for number, piece in enumerate(pieces) if finder.feed(piece)]


def test_a_blip_is_found_in_the_piece_that_holds_its_first_sample() -> None:
    """A blip is found in the chunk with its first sample, in either half of a 40 ms packet."""
    late = QUIET[: len(BLIP)] + BLIP
    early = BLIP + QUIET[: len(BLIP)]
    assert found([QUIET, late, *[QUIET] * 8, early, QUIET]) == [1, 10]


def test_a_blip_across_two_pieces_is_one() -> None:
    """A blip that spans two chunks is found once."""
    whole = QUIET + BLIP + QUIET
    cut = len(QUIET) + len(BLIP) // 2
    assert found([whole[:cut], whole[cut:]]) == [0]


def test_two_blips_further_apart_than_the_gap_are_two() -> None:
    """Two blips further apart than the gap are two, and the calls' blips always are."""
    shortest = min(len(gap) for gap in gaps(2000))
    assert shortest * mulaw.FRAME_SECONDS > sound.BLIP_GAP
    assert found([BLIP, *[QUIET[: len(BLIP)]] * (shortest - 1), BLIP]) == [0, shortest]


def gaps(frames: int) -> list[list[bool]]:
    """Return the frames between blips."""
    places = [place for place, blip in enumerate(islice(script.blips(1), frames)) if blip]
    return [[False] * (later - earlier) for earlier, later in pairwise(places)]


def test_a_blip_survives_resampling() -> None:
    """A blip survives resampling to the 16 kHz of the stock agent."""
    line = np.frombuffer(QUIET * 5 + BLIP + QUIET * 5, "<i2")
    wide = soxr.resample(line, 8000, 16_000).astype("<i2").tobytes()
    assert len(found([wide[at : at + 1516] for at in range(0, len(wide), 1516)], 16_000)) == 1


def test_a_late_piece_of_the_answer_before_is_not_taken_for_the_next() -> None:
    """A late chunk of one reply is not mistaken for the next, because their amplitudes alternate."""
    for amplitude, other in ((sound.HIGH, sound.LOW), (sound.LOW, sound.HIGH)):
        pcm = np.frombuffer(sound.tone(0.2, 24_000, amplitude), "<i2")
        heard = mulaw.decode(mulaw.encode(soxr.resample(pcm, 24_000, 8000).astype("<i2").tobytes()))
        assert sound.is_answer(heard, amplitude)
        assert not sound.is_answer(heard, other)
    assert not sound.is_answer(mulaw.decode(sound.QUIET), sound.LOW)


def test_a_tone_has_its_length_and_loudness() -> None:
    """A tone has the requested length and amplitude."""
    pcm = np.frombuffer(sound.tone(0.04, 8000, sound.HIGH), "<i2")
    assert (len(pcm), pcm.max(), pcm.min()) == (320, sound.HIGH, -sound.HIGH)
    assert sound.first_loud(sound.tone(0.04, 8000, sound.HIGH)) == 0
    assert sound.first_loud(b"") is None


def test_a_call_is_the_same_for_every_agent_and_differs_from_the_next() -> None:
    """The seed determines a call: the same for every agent, and different for the next call."""
    assert list(islice(script.answers(3), 20)) == list(islice(script.answers(3), 20))
    assert list(islice(script.answers(3), 20)) != list(islice(script.answers(4), 20))
    cut = [answer.cut_after is not None for answer in islice(script.answers(3), 7)]
    assert cut == [False, False, True, False, False, True, False]


def test_blips_fall_on_both_halves_of_a_packet_of_40_ms() -> None:
    """Blips fall on both halves of a 40 ms packet, or a median would be off by 20 ms."""
    places = [place % 2 for place, blip in enumerate(islice(script.blips(1), 5000)) if blip]
    assert 0.3 < sum(places) / len(places) < 0.7
