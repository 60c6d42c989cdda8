"""A transfer context passes encrypted from task to task: only the product can read it, for a while, for one call."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_core.adapters.call_store.seal import Seal
from phone_agent.transfer_context import LONG, SHORT, TransferContext, TransferContextCodec, TransferContextRejected

CALL, OTHER = "CA" + "1" * 32, "CA" + "2" * 32
NOTE = TransferContext(CALL, "reception", "The caller said: “my order 4711 is late”", 1_700_000_000.0)


def test_another_task_reads_it() -> None:
    """Another task can decrypt it: the two need to share only the AuthToken."""
    sealed = TransferContextCodec.from_auth_tokens(["token"]).seal(NOTE)
    assert TransferContextCodec.from_auth_tokens(["token"]).open(sealed, [OTHER, CALL]) == NOTE


def test_it_tells_nothing_where_it_is_written_down() -> None:
    """The address in an access log reveals neither the words nor the destination."""
    sealed = TransferContextCodec.from_auth_tokens(["token"]).seal(NOTE)
    assert "4711" not in sealed
    assert "reception" not in sealed
    assert sealed.replace("-", "").replace("_", "").isalnum()


def test_a_token_that_is_being_replaced_still_opens() -> None:
    """A transfer context encrypted before a rotation can be decrypted after it."""
    sealed = TransferContextCodec.from_auth_tokens(["old"]).seal(NOTE)
    assert TransferContextCodec.from_auth_tokens(["new", "old"]).open(sealed, [CALL]) == NOTE


@pytest.mark.parametrize("change", [lambda text: text[:-2], lambda text: "B" + text[1:], lambda _: "", lambda _: "ü"])
def test_what_was_changed_is_refused(change: object) -> None:
    """A change of any bit is detected."""
    notes = TransferContextCodec.from_auth_tokens(["token"])
    assert callable(change)
    with pytest.raises(TransferContextRejected):
        notes.open(change(notes.seal(NOTE)), [CALL])


def test_a_note_about_another_call_is_refused() -> None:
    """A transfer context of another call is rejected, so a caller never hears what another caller said."""
    notes = TransferContextCodec.from_auth_tokens(["token"])
    with pytest.raises(TransferContextRejected):
        notes.open(notes.seal(NOTE), [OTHER])


def test_an_old_note_is_refused() -> None:
    """An old transfer context is rejected, so a captured address is useless after some minutes."""
    now = [1000.0]
    notes = TransferContextCodec(Seal([bytes(32)]), clock=lambda: now[0])
    sealed = notes.seal(NOTE, lifetime=timedelta(seconds=60))
    now[0] += 61
    with pytest.raises(TransferContextRejected, match="expired"):
        notes.open(sealed, [CALL])


@given(st.text(min_size=1, max_size=600))
def test_it_fits_where_it_goes(summary: str) -> None:
    """A parameter has 500 characters for name and value; an address has its share of 4000."""
    notes = TransferContextCodec.from_auth_tokens(["token"])
    note = TransferContext(CALL, "d" * 32, summary)
    assert len("note") + len(notes.seal(note, SHORT)) < 500
    assert len(notes.seal(note, LONG)) < 1100
