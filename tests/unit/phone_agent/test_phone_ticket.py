"""A stream token opens one stream of one call, within one minute, on any task."""

import hmac
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from agent_core.adapters.call_store.seal import derive_key
from agent_core.errors import ConfigurationError
from phone_agent.resume_action import MAX_PARTS
from phone_agent.stream_token import StreamTokenIssuer, StreamTokenRejected
from tests.support.clock import Clock

CALL = "CA" + "1" * 32
OTHER_CALL = "CA" + "2" * 32
ACCOUNT = "AC" + "0" * 32
TOKEN = "1c892n40nd03kdnc0112slzkl3091j20"


@pytest.fixture
def clock() -> Clock:
    """Return a clock that all issuers of a test share."""
    return Clock(1_800_000_000.0)


@pytest.fixture
def office(clock: Clock) -> StreamTokenIssuer:
    """Return one task's issuer."""
    return StreamTokenIssuer.from_auth_tokens([SecretStr(TOKEN)], clock=clock)


def refusal(office: StreamTokenIssuer, ticket: str | None, call: str = CALL, account: str = ACCOUNT) -> str:
    """Redeem a stream token in vain and return the reason."""
    with pytest.raises(StreamTokenRejected) as refused:
        office.redeem(ticket, call, account)
    assert refused.value.close_code == 1008
    return refused.value.fault


def test_ticket_opens_its_stream_on_any_task(office: StreamTokenIssuer, clock: Clock) -> None:
    """The load balancer may send the socket to another task than the one that answered the webhook."""
    elsewhere = StreamTokenIssuer.from_auth_tokens([TOKEN], clock=clock)
    redeemed = elsewhere.redeem(office.for_call(CALL, ACCOUNT), CALL, ACCOUNT)
    assert redeemed.call_sid == CALL
    assert redeemed.expires_at == clock.now + 60
    assert len(bytes.fromhex(redeemed.nonce)) == 16


def test_ticket_fits_a_twiml_parameter(office: StreamTokenIssuer) -> None:
    """Name and value together stay below Twilio's 500 characters, and never need escaping."""
    ticket = office.for_call("C" * 300, "A" * 300)
    assert len("ticket" + ticket) < 500
    assert ticket.isascii()
    assert not set(ticket) & set("<>&\"' ")


def test_ticket_is_used_once(office: StreamTokenIssuer) -> None:
    """A stream token is valid once, so a stolen copy comes too late."""
    ticket = office.for_call(CALL, ACCOUNT)
    office.redeem(ticket, CALL, ACCOUNT)
    assert refusal(office, ticket) == "replayed"


@pytest.mark.parametrize(
    ("call", "account"), [(OTHER_CALL, ACCOUNT), (CALL, "AC" + "9" * 32), ("", ACCOUNT), ("\ud800", "")]
)
def test_ticket_is_for_one_call(office: StreamTokenIssuer, call: str, account: str) -> None:
    """A stream token of another call is rejected, and is still valid for its own call."""
    ticket = office.for_call(CALL, ACCOUNT)
    assert refusal(office, ticket, call, account) == "foreign"
    assert office.redeem(ticket, CALL, ACCOUNT).call_sid == CALL


def test_account_and_call_do_not_run_into_each_other(office: StreamTokenIssuer) -> None:
    """The signature covers the border between the two ids."""
    assert refusal(office, office.for_call("BC", "A"), "C", "AB") == "foreign"


def test_ticket_lives_a_minute(office: StreamTokenIssuer, clock: Clock) -> None:
    """A stream token is valid at its last moment, and invalid a second later."""
    first, second = office.for_call(CALL, ACCOUNT), office.for_call(CALL, ACCOUNT, 1)
    clock.now += 60
    office.redeem(first, CALL, ACCOUNT)
    clock.now += 1
    assert refusal(office, second) == "expired"


def test_expired_ticket_stays_refused_after_it_was_used(office: StreamTokenIssuer, clock: Clock) -> None:
    """An expired stream token stays invalid after the issuer has forgotten it."""
    ticket = office.for_call(CALL, ACCOUNT)
    office.redeem(ticket, CALL, ACCOUNT)
    clock.now += 61
    assert refusal(office, ticket) == "expired"


@pytest.mark.parametrize(("ahead", "fault"), [(4.9, None), (6.0, "expired"), (3600.0, "expired")])
def test_clock_of_the_other_task_may_differ_a_little(
    office: StreamTokenIssuer, clock: Clock, ahead: float, fault: str | None
) -> None:
    """A task whose clock runs ahead cannot make stream tokens that outlive the minute."""
    clock.now += ahead
    ticket = office.for_call(CALL, ACCOUNT)
    clock.now -= ahead
    if fault is None:
        assert office.redeem(ticket, CALL, ACCOUNT).call_sid == CALL
    else:
        assert refusal(office, ticket) == fault


GARBAGE = [
    "x",
    "é" * 120,
    "!" * 120,
    "A" * 119,
    "A" * 121,
    "A" * 120,
    "A" * 118 + "==",
    "\ud800" * 120,
    "A" * 100_000,
]


@pytest.mark.parametrize(
    ("ticket", "fault"), [(None, "missing"), ("", "missing"), *((text, "malformed") for text in GARBAGE)]
)
def test_text_that_is_no_ticket_is_refused(office: StreamTokenIssuer, ticket: str | None, fault: str) -> None:
    """Any invalid text, or none, causes a rejection and no other error."""
    assert refusal(office, ticket) == fault


@pytest.mark.parametrize(("at", "fault"), [(0, "malformed"), *((at, "forged") for at in (1, 8, 9, 24, 25, 56, 57, 88))])
def test_one_changed_byte_is_noticed(office: StreamTokenIssuer, at: int, fault: str) -> None:
    """Version, expiry, nonce, owner and signature are covered, and an unknown version is rejected."""
    raw = bytearray(b64decode(office.for_call(CALL, ACCOUNT)))
    raw[at] ^= 3 if at == 0 else 1
    assert refusal(office, b64encode(raw).decode()) == fault


def test_ticket_under_another_token_is_a_forgery(office: StreamTokenIssuer, clock: Clock) -> None:
    """Only a service with the AuthToken can make stream tokens."""
    stranger = StreamTokenIssuer.from_auth_tokens(["another-token"], clock=clock)
    assert refusal(office, stranger.for_call(CALL, ACCOUNT)) == "forged"


def test_every_accepted_token_verifies_and_the_first_signs(office: StreamTokenIssuer, clock: Clock) -> None:
    """During a rotation old and new tasks accept each other's stream tokens."""
    rotating = StreamTokenIssuer.from_auth_tokens(["new-token", TOKEN], clock=clock)
    renewed = StreamTokenIssuer.from_auth_tokens(["new-token"], clock=clock)
    assert rotating.redeem(office.for_call(CALL, ACCOUNT), CALL, ACCOUNT).call_sid == CALL
    assert renewed.redeem(rotating.for_call(CALL, ACCOUNT), CALL, ACCOUNT).call_sid == CALL


def test_repeated_webhook_gets_the_same_ticket(office: StreamTokenIssuer, clock: Clock) -> None:
    """Fifty copies of one signed webhook open one stream."""
    first = office.for_call(CALL, ACCOUNT)
    clock.now += 59
    assert {office.for_call(CALL, ACCOUNT) for _ in range(50)} == {first}
    assert office.for_call(OTHER_CALL, ACCOUNT) != first
    clock.now += 2
    assert office.for_call(CALL, ACCOUNT) != first


def test_clock_set_back_does_not_keep_a_dead_ticket(office: StreamTokenIssuer, clock: Clock) -> None:
    """A call with an expired stream token gets a new one, also behind one that lives longer."""
    clock.now += 100
    office.for_call(OTHER_CALL, ACCOUNT)
    clock.now -= 100
    first = office.for_call(CALL, ACCOUNT)
    clock.now += 61
    second = office.for_call(CALL, ACCOUNT)
    assert second != first
    assert office.redeem(second, CALL, ACCOUNT).call_sid == CALL


def test_each_stream_of_a_call_has_its_own_ticket(office: StreamTokenIssuer) -> None:
    """A caller who comes back from an unanswered transfer within the minute gets a new stream token."""
    assert office.for_call(CALL, ACCOUNT, 1) != office.for_call(CALL, ACCOUNT)


def test_memory_is_bounded(clock: Clock) -> None:
    """However many calls arrive within the minute, the number of remembered stream tokens is bounded."""
    office = StreamTokenIssuer([b"k" * 32], clock=clock, remembered=10)
    for number in range(50):
        office.redeem(office.for_call(f"CA{number}", ACCOUNT), f"CA{number}", ACCOUNT)
    assert len(office._issued) <= 10
    assert len(office._used) <= 10
    clock.now += 120
    office.redeem(office.for_call(CALL, ACCOUNT), CALL, ACCOUNT)
    assert len(office._issued) == len(office._used) == 1


@pytest.mark.parametrize("secrets", [[], [b""], [b"x" * 15], [b"x" * 32, b"short"]])
def test_key_must_be_a_key(secrets: list[bytes]) -> None:
    """An issuer needs a key: without a secret it would accept any stream token."""
    with pytest.raises(ValueError, match="key"):
        StreamTokenIssuer(secrets)


def test_token_must_not_be_empty() -> None:
    """An empty AuthToken is rejected: any client could derive its key."""
    with pytest.raises(ConfigurationError, match="TWILIO_AUTH_TOKEN"):
        StreamTokenIssuer.from_auth_tokens([TOKEN, SecretStr("")])


def test_lifetime_can_be_set(clock: Clock) -> None:
    """An operator can shorten the lifetime."""
    office = StreamTokenIssuer([b"k" * 32], lifetime=timedelta(seconds=5), clock=clock)
    ticket = office.for_call(CALL, ACCOUNT)
    clock.now += 6
    assert refusal(office, ticket) == "expired"


def test_key_derivation_is_hkdf() -> None:
    """RFC 5869, test case 3: without salt and label, the keys are its first 32 bytes."""
    expected = bytes.fromhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
    assert derive_key(b"\x0b" * 22, b"") == expected


def test_labels_keep_keys_apart() -> None:
    """A key for stream tokens is useless for any other purpose of the AuthToken."""
    keys = {derive_key(TOKEN.encode(), label) for label in (b"a", b"b")}
    assert len(keys) == 2
    assert hmac.digest(TOKEN.encode(), b"", "sha256") not in keys


@settings(derandomize=True)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=130))
def test_ticket_returns_for_any_ids_and_no_text_passes_for_one(call: str, account: str, garbage: str) -> None:
    """A stream token is valid for ids of any form, and any other text is rejected."""
    office = StreamTokenIssuer([b"k" * 32])
    assert office.redeem(office.for_call(call, account), call, account).call_sid == call
    with pytest.raises(StreamTokenRejected):
        office.redeem(garbage, call, account)


def test_a_ticket_vouches_for_what_start_brings_back_with_it(office: StreamTokenIssuer) -> None:
    """The caller ID cannot be changed, omitted or added; the stream token also names the stream of the call."""
    given = office.for_call(CALL, ACCOUNT, 2, "+15005550001")
    for caller_id in (None, "", "+15005550002"):
        with pytest.raises(StreamTokenRejected, match="foreign"):
            office.redeem(given, CALL, ACCOUNT, caller_id)
    assert office.redeem(given, CALL, ACCOUNT, "+15005550001").part == 2
    for part in (0, MAX_PARTS):
        assert office.redeem(office.for_call(CALL, ACCOUNT, part), CALL, ACCOUNT).part == part
    with pytest.raises(StreamTokenRejected, match="foreign"):
        office.redeem(office.for_call(CALL, ACCOUNT), CALL, ACCOUNT, "+15005550001")
