"""Define what a client of the web service can do wrong. ``spoken`` is what its page shows."""

from http import HTTPStatus

from agent_core.errors import PermissionRefused, ProtocolError, UpstreamError


class BadRequest(ProtocolError):
    """Pipecat's clients do not send such a request."""

    spoken = "The server could not read the request of this page. Please reload the page."


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

    spoken = "The server cannot use the connection offer of this browser. Another browser may work."


class NotOffered(ProtocolError):
    """The client requested a transport that this service does not offer."""

    spoken = "This server does not offer the transport that the page asked for."


class NotAgreed(PermissionRefused):
    """The operator requires consent, and the visitor has not agreed to the current notice."""

    http_status = HTTPStatus.PRECONDITION_REQUIRED
    spoken = "Please agree to the notice first; this page shows it."


class UnknownSession(PermissionRefused):
    """There is no such session, or it waited too long for its client."""

    http_status = HTTPStatus.NOT_FOUND
    spoken = "This session is not known any more. Please start a new one."


class SessionTaken(PermissionRefused):
    """Another client is connected to this session."""

    http_status = HTTPStatus.CONFLICT
    spoken = "This session is in use in another window. Please start a new one."


class AlreadyRated(PermissionRefused):
    """This conversation has been rated, and commented on if a comment came with it."""

    http_status = HTTPStatus.CONFLICT
    spoken = "We have your rating of this conversation already. Thank you."


class NotRated(ProtocolError):
    """The operator asks for no ratings, or for no comments."""

    http_status = HTTPStatus.NOT_FOUND
    spoken = "This service does not take ratings or comments like this one."


class SessionOver(PermissionRefused):
    """The session has ended; it cannot be resumed."""

    http_status = HTTPStatus.GONE
    spoken = "This session is over. Please start a new one."


class NumberRefused(ProtocolError):
    """A visitor asked to be called at a number that is not one, or that may not be called.

    Args:
        reason: A constant, without the number.
        sentence: What the page shows.
    """

    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    spoken = "This number cannot be called."

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(f"number: {reason}")
        self.sentence = sentence


class TooManyCalls(PermissionRefused):
    """A visitor, a number or the day has had as many calls as may be asked for.

    Args:
        limit: ``visitor``, ``number`` or ``day``.
        retry_after: Seconds after which a call is possible again.
    """

    http_status = HTTPStatus.TOO_MANY_REQUESTS
    spoken = "We cannot place another call now. Please try again later."

    def __init__(self, limit: str, retry_after: float) -> None:
        super().__init__(f"calls of {limit}")
        self.limit = limit
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        """What the page shows."""
        return {
            "visitor": "You have just asked for a call. Please wait a minute before you ask for another.",
            "number": "A call to this number was asked for several times today. Please try again tomorrow.",
        }.get(self.limit, "We cannot place more calls today. Please try again tomorrow.")


class CallNotPlaced(UpstreamError):
    """Twilio could not be reached, or did not place a call that a visitor asked for."""

    spoken = "We could not place the call. Please try again later."
