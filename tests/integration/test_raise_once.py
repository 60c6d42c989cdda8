"""Whichever function on a call's way has a defect, the call gives back all that it holds, and has its one end record.

Found in the field: an exception while a prompt was made kept a place for good, at four or five a call, until the
service was full with nobody on the line.
"""

import time
from collections.abc import Callable

import pytest

from tests.support.injected_call import Outcome, bench
from tests.support.injected_visit import visit_bench
from tests.support.raise_once import name_of

THE_BOOKS = {
    "agent_core.admission.Admission._give_back",
    "agent_core.admission.Admission._note_use",
    "agent_core.admission.Place.__init__",
    "agent_core.admission.Place._give_back_if_free",
    "agent_core.admission.Place._settle",
    "agent_core.admission.Place.release",
    "webrtc_agent.arrivals.Arrival.settle",
    "webrtc_agent.arrivals.Arrivals._left",
    "webrtc_agent.web_service.Lobby._expect_arrival.<locals>.settled",
    "webrtc_agent.ice.offer_only",
    "webrtc_agent.ice.offer_only.<locals>.addresses",
}
"""The count itself: it holds no more than a number, and nothing counts the counter. The last two are the visitor's."""
PARTS = 8
QUICK_VISIT = (
    "webrtc_agent.web_service.Lobby._answer_first",
    "webrtc_agent.web_service.Lobby._description",
    "webrtc_agent.peer_session.Peer.__init__",
    "webrtc_agent.peer_session.Peer.run",
    "webrtc_agent.session_registry.Visits._carry",
)
"""The same of a visit: between start and offer, at the answer, and in the conversation's task."""
QUICK = (
    "agent_core.agent_runtime.Agent.prompt",
    "agent_core.session.Session.run",
    "agent_core.session.Session.greet",
    "agent_core.session.Session._release",
    "agent_core.session.Session._finish",
    "agent_core.agent_runtime.Agent.keep",
    "agent_core.nova.resilient_connection.ModelLink.close",
    "phone_agent.live_call.LiveCall.__init__",
    "phone_agent.live_call.LiveCall._write",
    "phone_agent.phone_service.Phone.answer",
    "phone_agent.phone_service.Phone.park",
    "phone_agent.routes._Connecting.__call__",
    "phone_agent.routes._session_request",
)
"""One of each kind: before and after a place is taken, between webhook and socket, in the conversation, at its end."""


def _unbalanced(outcomes: list[Outcome]) -> list[str]:
    """Return what does not balance; a function that this call did not come to has not been tried."""
    tried = [one for one in outcomes if one.wrong != ("never raised: 1",)]
    assert len(tried) > len(outcomes) * 0.8, "most functions have to be tried"
    return [f"{one.function}: {', '.join(one.wrong)}" for one in tried if one.wrong]


async def test_a_defect_on_a_call_s_way_leaves_nothing_behind() -> None:
    """Of each kind one; the next test has all."""
    async with bench() as calls:
        functions = {name: code for code in await calls.functions() if (name := name_of(code)) in QUICK}
        assert sorted(functions) == sorted(QUICK)
        assert _unbalanced(await calls.outcomes(functions.values())) == []


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # arguments that nobody awaits then
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_defect_in_any_function_leaves_nothing_behind(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """Places, sockets, streams of the model, tasks and end records balance after every one of some five hundred."""
    async with bench() as calls:
        functions = [code for code in await calls.functions() if name_of(code) not in THE_BOOKS][part::PARTS]
        began = time.perf_counter()
        outcomes = await calls.outcomes(functions)
    unbalanced = _unbalanced(outcomes)
    figure = f"{len(outcomes) - len(unbalanced)} of {len(outcomes)} functions balanced"
    record_property("balanced", figure)
    print(f"\n{figure}, {time.perf_counter() - began:.0f} s", *unbalanced, sep="\n")  # noqa: T201 - the figure that is asked for
    assert not unbalanced, "\n".join([figure, *unbalanced])


async def test_a_defect_on_a_visit_s_way_leaves_nothing_behind() -> None:
    """Of each kind one; the next test has all."""
    async with visit_bench() as visits:
        functions = {name: code for code in await visits.functions() if (name := name_of(code)) in QUICK_VISIT}
        assert sorted(functions) == sorted(QUICK_VISIT)
        assert _unbalanced(await visits.outcomes(functions.values())) == []


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # arguments that nobody awaits then
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_defect_in_any_function_of_the_web_service_leaves_nothing_behind(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """As for calls; what both services share is in the calls' test."""
    async with visit_bench() as visits:
        functions = [code for code in await visits.functions() if name_of(code) not in THE_BOOKS][part::PARTS]
        outcomes = await visits.outcomes(functions)
    unbalanced = _unbalanced(outcomes)
    figure = f"{len(outcomes) - len(unbalanced)} of {len(outcomes)} functions balanced"
    record_property("balanced", figure)
    print(f"\n{figure}", *unbalanced, sep="\n")  # noqa: T201 - the figure that is asked for
    assert not unbalanced, "\n".join([figure, *unbalanced])
