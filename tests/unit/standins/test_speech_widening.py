"""The network that restores the frequencies that a telephone removes."""

import numpy as np

from tools.train_widening import trained


def test_training_gives_the_same_network_twice() -> None:
    """Training is reproducible: it returns the committed network under the names that are loaded."""
    dice = np.random.default_rng(3)
    seen = dice.normal(size=(512, 6)).astype(np.float32)
    wanted = (seen @ dice.normal(size=(6, 2))).astype(np.float32)
    one, other = trained(seen, wanted), trained(seen, wanted)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert {"mean", "spread", "high_mean", "high_spread", "weights_1", "bias_1", "weights_3", "bias_3"} <= one.keys()
