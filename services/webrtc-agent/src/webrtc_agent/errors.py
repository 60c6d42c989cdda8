"""Define what a client of the web service can do wrong. ``spoken`` is what its page shows: a key of the sentences."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar

from agent_core.errors import PermissionRefused, ProtocolError, UpstreamError
from agent_core.sentence import Sentence
from agent_core.sentences import Sentences


class BadRequest(ProtocolError):
    """Pipecat's clients do not send such a request."""

    spoken: ClassVar[str] = Sentence.PAGE_RELOAD


class NoSuchAgent(ProtocolError):
    """The client named an agent that this service does not have.

    Args:
        sentence: What the client shows: which agents there are.
    """

    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    spoken = "There is no agent of that name here."

    def __init__(self, sentence: str) -> None:
        # Without the name, which is untrusted text.
        super().__init__("agent")
        self.sentence = sentence


class DetailsTooLarge(ProtocolError):
    """The app sent more about its visitor than the agent reads."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    spoken = "The body of this request is longer than the 2048 bytes that the agent reads."


class MisplacedOffer(ProtocolError):
    """An offer was sent to a route that starts sessions. If answered as a start, its client would repeat it."""

    spoken = "This address starts a session. Send the offer to the address that the start returned."


class MalformedOffer(ProtocolError):
    """The SDP offer cannot be answered."""

    spoken: ClassVar[str] = Sentence.PAGE_OFFER


class NotOffered(ProtocolError):
    """The client requested a transport that this service does not offer."""

    spoken = "This server does not offer the transport that the page asked for."


class NotAgreed(PermissionRefused):
    """The operator requires consent, and the visitor has not agreed to the current notice."""

    http_status = HTTPStatus.PRECONDITION_REQUIRED
    spoken: ClassVar[str] = Sentence.PAGE_AGREE


class UnknownSession(PermissionRefused):
    """There is no such session, or it waited too long for its client."""

    http_status = HTTPStatus.NOT_FOUND
    spoken: ClassVar[str] = Sentence.PAGE_UNKNOWN_SESSION


class SessionTaken(PermissionRefused):
    """Another client is connected to this session."""

    http_status = HTTPStatus.CONFLICT
    spoken: ClassVar[str] = Sentence.PAGE_SESSION_TAKEN


class AlreadyRated(PermissionRefused):
    """This conversation has been rated, and commented on if a comment came with it."""

    http_status = HTTPStatus.CONFLICT
    spoken: ClassVar[str] = Sentence.PAGE_RATED


class NotRated(ProtocolError):
    """The operator asks for no ratings, or for no comments."""

    http_status = HTTPStatus.NOT_FOUND
    spoken = "This service does not take ratings or comments like this one."


class SessionOver(PermissionRefused):
    """The session has ended; it cannot be resumed."""

    http_status = HTTPStatus.GONE
    spoken: ClassVar[str] = Sentence.PAGE_SESSION_OVER


class NumberRefused(ProtocolError):
    """A visitor asked to be called at a number that is not one, or that may not be called.

    Args:
        reason: A constant, without the number.
        sentence: What the page shows.
        example: First digits of a number that may be called.
        prefixes: First digits of all of them.
    """

    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    spoken: ClassVar[str] = Sentence.NUMBER_REFUSED

    def __init__(self, reason: str, sentence: Sentence, *, example: str = "", prefixes: Sequence[str] = ()) -> None:
        super().__init__(f"number: {reason}")
        self._sentence = sentence
        self._example = example
        self._prefixes = tuple(prefixes)

    def sentence(self, sentences: Sentences) -> str:
        """Return what the page shows."""
        prefixes = f" {sentences[Sentence.NUMBER_OR]} ".join(self._prefixes)
        return sentences.say(self._sentence, example=self._example, prefixes=prefixes)


class TooManyCalls(PermissionRefused):
    """A visitor, a number or the day has had as many calls as may be asked for.

    Args:
        limit: ``visitor``, ``number`` or ``day``.
        retry_after: Seconds after which a call is possible again.
    """

    http_status = HTTPStatus.TOO_MANY_REQUESTS
    spoken: ClassVar[str] = Sentence.CALL_LATER

    def __init__(self, limit: str, retry_after: float) -> None:
        super().__init__(f"calls of {limit}")
        self.limit = limit
        self.retry_after = retry_after

    def sentence(self, sentences: Sentences) -> str:
        """Return what the page shows."""
        known = {"visitor": Sentence.CALL_AGAIN_SOON, "number": Sentence.CALL_TOMORROW_NUMBER}
        return sentences[known.get(self.limit, Sentence.CALL_TOMORROW)]


class CallNotPlaced(UpstreamError):
    """Twilio could not be reached, or did not place a call that a visitor asked for."""

    spoken: ClassVar[str] = Sentence.CALL_NOT_PLACED
