"""The request to end a call is retried once and at once, for errors that a retry may cure."""

import asyncio

import httpx
import pytest

from agent_core.errors import UpstreamError
from phone_agent.call_control import CallControl, RestRefused

type Answer = Exception | tuple[int, int | None]

REFUSED = httpx.ConnectError("refused")


class Twilio:
    """Answers each request as scripted, with a status and Twilio's code, then repeats the last answer."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer[0], json={"code": answer[1]})

    async def hang_up(self) -> bool | None:
        """End a call there; return whether REST is known to work."""
        transport = httpx.MockTransport(self)
        async with httpx.AsyncClient(base_url="https://api.twilio.com", transport=transport) as client:
            control = CallControl(client, "AC1")
            try:
                await control.hang_up("CA1")
            finally:
                self.works = control.works
        return self.works


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ([(200, None)], 1),
        ([(500, None), (200, None)], 2),
        ([(503, 20503), (400, 21220)], 2),
        ([REFUSED, (200, None)], 2),
        ([(400, 21220)], 1),
    ],
)
async def test_a_call_that_is_over_in_the_end_is_no_fault(answers: list[Answer], tries: int) -> None:
    """A call that ended before, at the first attempt or at the retry is no error; the caller hears no pause."""
    twilio, began = Twilio(*answers), asyncio.get_running_loop().time()
    assert await twilio.hang_up()
    assert len(twilio.requests) == tries
    assert asyncio.get_running_loop().time() - began < 0.05


@pytest.mark.parametrize(
    ("answers", "tries", "status"),
    [
        ([(500, None)], 2, 500),
        ([(401, 20003)], 1, 401),
        ([(404, 20404)], 1, 404),
        ([(429, 20429)], 1, 429),
        ([REFUSED, (404, 20404)], 2, 404),
    ],
)
async def test_a_refusal_is_not_sent_again(answers: list[Answer], tries: int, status: int) -> None:
    """A rejection is not retried: only a server error may be temporary."""
    twilio = Twilio(*answers)
    with pytest.raises(RestRefused) as refused:
        await twilio.hang_up()
    assert (len(twilio.requests), refused.value.status, twilio.works) == (tries, status, False)


async def test_two_requests_without_an_answer_are_an_error() -> None:
    """Two requests without an answer raise an error that names what happened, and the host."""
    twilio = Twilio(REFUSED)
    with pytest.raises(UpstreamError, match="twilio: ConnectError") as failed:
        await twilio.hang_up()
    assert (len(twilio.requests), failed.value.host) == (2, "api.twilio.com")
