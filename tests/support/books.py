"""Balance the ledgers of one call of the running phone service."""

from tests.integration.conftest import AUTH_TOKEN, MODEL_SECRET, House
from tests.support import ledger
from tests.support.phone_process import PhoneProcess
from tests.support.waiting import until


async def balance(phone: PhoneProcess, house: House, call_sid: str, *, tools_given_up: int = 0) -> dict[str, object]:
    """Wait for the end record, balance L1, L2, L6 and L10, and return the record."""
    record = await phone.record(call_sid, 10)
    await until(lambda: house.nova.ledger.streams_open == 0)
    lines = phone.lines_of(call_sid)
    sessions = phone.model_sessions(call_sid)
    ledger.one_end_for_each(lines, [call_sid])
    ledger.streams_are_closed(house.nova.ledger, sessions)
    ledger.tools_are_answered([house.nova.ledger.sessions[session] for session in sessions], tools_given_up)
    ledger.log_is_clean(lines, [AUTH_TOKEN, MODEL_SECRET, "Hz for"])
    return record
