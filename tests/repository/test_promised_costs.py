"""The numbers that SECURITY.md promises equal those that tests measure."""

import pytest

from tests.support.costs import BOUNDS
from tools.workspace import ROOT


@pytest.mark.parametrize("what", BOUNDS)
def test_what_is_promised_is_what_is_measured(what: str) -> None:
    """SECURITY.md states the limits that a test measures."""
    bound = BOUNDS[what]
    row = f"| {what} | {bound.kilobytes:.0f} KB | {bound.sockets:.0f} | {bound.processor_ms:.0f} ms |"
    assert row in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
