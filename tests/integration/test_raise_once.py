"""A defect in any function of a call's path leaves no resource held, and exactly one end record.

Found in production: an exception while a prompt was built kept a slot forever. At four or five a call the service was
soon full without a caller.
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
    "agent_core.admission.Slot.__init__",
    "agent_core.admission.Slot._give_back_if_free",
    "agent_core.admission.Slot._settle",
    "agent_core.admission.Slot.release",
    "webrtc_agent.arrivals.ExpectedArrival.settle",
    "webrtc_agent.arrivals.Arrivals._left",
    "webrtc_agent.web_service.WebService._expect_arrival.<locals>.settled",
    "webrtc_agent.ice.offer_only",
    "webrtc_agent.ice.offer_only.<locals>.addresses",
}
"""Code of the counter itself, which holds only a number. The last two belong to the visitor."""
PARTS = 8
QUICK_VISIT = (
    "webrtc_agent.web_service.WebService._answer_first",
    "webrtc_agent.web_service.WebService._description",
    "webrtc_agent.peer_session.PeerSession.__init__",
    "webrtc_agent.peer_session.PeerSession.run",
    "webrtc_agent.session_registry.SessionRegistry._carry",
)
"""Functions of a visit: between start and offer, at the response, and in the conversation's task."""
QUICK = (
    "agent_core.agent_runtime.AgentRuntime.prompt",
    "agent_core.conversation.session.Session.run",
    "agent_core.conversation.session.Session.greet",
    "agent_core.conversation.session.Session._release",
    "agent_core.conversation.session.Session._finish",
    "agent_core.agent_runtime.AgentRuntime.keep",
    "agent_core.nova.resilient_connection.ResilientConnection.close",
    "phone_agent.live_call.MediaStreamCall.__init__",
    "phone_agent.live_call.MediaStreamCall._write",
    "phone_agent.phone_service.PhoneService.answer",
    "phone_agent.phone_service.PhoneService.prewarm",
    "phone_agent.routes._Connecting.__call__",
    "phone_agent.routes._session_request",
)
"""One function of each kind: around the slot, between webhook and socket, in the conversation, at its end."""


def _unbalanced(outcomes: list[Outcome]) -> list[str]:
    """Return what is still held; this call never ran a function that it does not name."""
    tried = [one for one in outcomes if one.wrong != ("never raised: 1",)]
    assert len(tried) > len(outcomes) * 0.8, "most functions have to be tried"
    return [f"{one.function}: {', '.join(one.wrong)}" for one in tried if one.wrong]


async def test_a_defect_on_a_call_s_way_leaves_nothing_behind() -> None:
    """A defect in one function of each kind releases everything; the next test covers all functions."""
    async with bench() as calls:
        functions = {name: code for code in await calls.functions() if (name := name_of(code)) in QUICK}
        assert sorted(functions) == sorted(QUICK)
        assert _unbalanced(await calls.outcomes(functions.values())) == []


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the arguments are then never awaited
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_defect_in_any_function_leaves_nothing_behind(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """Slots, sockets, model streams, tasks and records balance after each of about 500 defects."""
    async with bench() as calls:
        functions = [code for code in await calls.functions() if name_of(code) not in THE_BOOKS][part::PARTS]
        began = time.perf_counter()
        outcomes = await calls.outcomes(functions)
    unbalanced = _unbalanced(outcomes)
    figure = f"{len(outcomes) - len(unbalanced)} of {len(outcomes)} functions balanced"
    record_property("balanced", figure)
    print(f"\n{figure}, {time.perf_counter() - began:.0f} s", *unbalanced, sep="\n")  # noqa: T201 - the figure that a reader of the run wants
    assert not unbalanced, "\n".join([figure, *unbalanced])


async def test_a_defect_on_a_visit_s_way_leaves_nothing_behind() -> None:
    """A defect in one function of each kind releases everything; the next test covers all functions."""
    async with visit_bench() as visits:
        functions = {name: code for code in await visits.functions() if (name := name_of(code)) in QUICK_VISIT}
        assert sorted(functions) == sorted(QUICK_VISIT)
        assert _unbalanced(await visits.outcomes(functions.values())) == []


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the arguments are then never awaited
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_defect_in_any_function_of_the_web_service_leaves_nothing_behind(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    """Every defect in the web service releases everything; the test of calls covers the shared code."""
    async with visit_bench() as visits:
        functions = [code for code in await visits.functions() if name_of(code) not in THE_BOOKS][part::PARTS]
        outcomes = await visits.outcomes(functions)
    unbalanced = _unbalanced(outcomes)
    figure = f"{len(outcomes) - len(unbalanced)} of {len(outcomes)} functions balanced"
    record_property("balanced", figure)
    print(f"\n{figure}", *unbalanced, sep="\n")  # noqa: T201 - the figure that a reader of the run wants
    assert not unbalanced, "\n".join([figure, *unbalanced])
