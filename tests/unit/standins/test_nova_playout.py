"""The play-out clock: what the caller can have heard."""

from standins.nova.reply_playout import Playout


def test_sound_sent_at_once_plays_in_its_own_time() -> None:
    """Audio that is sent at once still plays for its whole length."""
    playout = Playout()
    sentence = playout.begin("one two three four", 4.0, 100.0, closes_turn=True)
    playout.deliver(sentence, 4.0, 100.0)
    sentence.complete = True
    assert playout.playing(103.9)
    assert playout.next_end == 104.0
    assert playout.played(103.9) == []
    assert playout.played(104.0) == [sentence]
    assert not playout.playing(104.0)


def test_a_second_sentence_waits_for_the_first() -> None:
    """A second sentence plays after the first, however early it is sent."""
    playout = Playout()
    for text in ("a b", "c d"):
        sentence = playout.begin(text, 2.0, 0.0, closes_turn=False)
        playout.deliver(sentence, 2.0, 0.0)
        sentence.complete = True
    assert playout.cut(3.0) == ["a b", "c"]


def test_a_cut_gives_whole_words_by_share() -> None:
    """A cut returns whole words in proportion: half of the audio is half of the words."""
    playout = Playout()
    sentence = playout.begin("one two three four", 4.0, 0.0, closes_turn=True)
    playout.deliver(sentence, 4.0, 0.0)
    assert playout.cut(2.1) == ["one two"]
    assert not playout.playing(2.2)
    assert playout.cut(3.0) == []


def test_only_what_was_delivered_can_be_heard() -> None:
    """Only delivered audio can be heard; a stalled stream pauses and continues with its next audio."""
    playout = Playout()
    sentence = playout.begin("one two three four", 4.0, 0.0, closes_turn=True)
    playout.deliver(sentence, 1.0, 0.0)
    assert not playout.playing(10.0)
    playout.deliver(sentence, 1.0, 10.0)
    assert playout.cut(10.5) == ["one"]


def test_the_way_to_the_ear_is_a_margin() -> None:
    """A margin covers the way to the ear: just after the end the caller may still hear the last audio."""
    playout = Playout()
    sentence = playout.begin("bye", 1.0, 0.0, closes_turn=True)
    playout.deliver(sentence, 1.0, 0.0)
    assert playout.playing(1.2, margin=0.3)
    assert not playout.playing(1.4, margin=0.3)
