"""What Twilio may send to the number's address: once or twice, with a slash, and requests that are about no call."""

import asyncio

import pytest

from tests.support.remembered_call import Scene
from tests.support.stranger import invitation_in
from tests.support.waiting import until


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("path", ["/incoming-call", "/incoming-call/"])
async def test_a_number_may_be_pointed_here_with_a_slash(scene: Scene, method: str, path: str) -> None:
    """The address is signed as it was asked; a redirect would lose the form."""
    answer = await scene.caller.send(scene.caller.signed(path, method))
    assert answer.status_code == 200
    assert invitation_in(answer.text).ticket


async def test_a_webhook_that_is_tried_again_is_the_same_call(scene: Scene) -> None:
    """Twilio tries a connection twice without being asked to: one place, one model stream, one ticket."""
    requests = [scene.caller.webhook() for _ in range(4)]
    answers = await asyncio.gather(*(scene.caller.send(request) for request in requests))
    assert {answer.status_code for answer in answers} == {200}
    assert len({invitation_in(answer.text).ticket for answer in answers}) == 1
    assert scene.phone.agent.admission.taken == 1
    await until(lambda: len(scene.phone.records) == 1, 20)
