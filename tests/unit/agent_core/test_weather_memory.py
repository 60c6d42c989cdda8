"""What was asked a moment ago is not asked again, for a while, up to a bound."""

from agent_core.adapters.open_meteo.remembered import Remembered


def test_a_value_is_kept_for_its_time() -> None:
    """After its seconds a value is gone."""
    now = 100.0
    kept: Remembered[str, int] = Remembered(size=2, seconds=5, clock=lambda: now)
    kept.put("a", 1)
    now = 105.0
    assert kept.get("a") == 1
    now = 105.1
    assert kept.get("a") is None
    assert len(kept) == 0


def test_the_one_unused_for_longest_goes_first() -> None:
    """A caller who asks for every town on Earth cannot fill the memory."""
    kept: Remembered[str, int] = Remembered(size=2, seconds=5)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.get("a")
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)
