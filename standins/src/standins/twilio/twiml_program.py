"""Decides what a call does next: steps out, outcomes in; no socket, no clock.

A TwiML document is a queue of verbs. `Connect` and `Dial` may have an `action` URL, whose TwiML replaces the queue;
without one, the next verb runs. That is how a caller still gets served when the application has crashed.
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

from standins.twilio.twiml_parser import (
    Connect,
    Dial,
    Gather,
    Hangup,
    NotPretended,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    TwimlError,
    Verb,
    parse,
)

APPLICATION_ERROR: Final = "We are sorry, an application error has occurred. Goodbye."
_MAX_DOCUMENTS: Final = 50
"""Maximum number of documents that redirect to each other; Twilio has such a limit, but does not publish it."""
_REJECTED: Final = {"busy": "busy", "rejected": "busy"}


def new_sid(prefix: str) -> str:
    """Return an ID in Twilio's form: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True)
class Fetch:
    """Request a document from the application."""

    url: str
    method: str = "POST"
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """The call ends."""

    reason: str
    status: str = "completed"


type Step = Fetch | Connect | Gather | Say | Play | Pause | Dial | NotPretended | End


@dataclass(frozen=True)
class Document:
    """The application responded with a document."""

    text: str
    url: str


@dataclass(frozen=True)
class FetchFailed:
    """The request failed; `code` is Twilio's error code."""

    code: str
    url: str


@dataclass(frozen=True)
class Done:
    """A verb has ended; its `action` receives these fields."""

    params: dict[str, str] = field(default_factory=dict)


type Outcome = Document | FetchFailed | Done


class TwimlProgram:
    """The documents of one call, and its position in them."""

    # A pure state machine: it performs nothing, so tests need no clock and no network.
    def __init__(self, voice_url: str, fallback_url: str = "", method: str = "POST") -> None:
        self._voice = Fetch(voice_url, method)
        self._fallback_url = fallback_url
        self._fell_back = False
        self._verbs: list[Verb] = []
        self._current: Step = self._voice
        self._documents = 0
        self._ending = End("document_ended")
        self.problem = ""
        """Why the last document could not be executed."""

    def begin(self) -> Step:
        """Return the first step: request the number's voice URL."""
        return self._go(self._voice)

    def after(self, outcome: Outcome) -> Step:
        """Return the step after the current one, given its outcome."""
        match outcome:
            case Document(text, url):
                return self.replace(text, url)
            case FetchFailed(code, url):
                return self._failed(code, url)
            case Done(params):
                return self._after_verb(params)

    def replace(self, text: str, base_url: str) -> Step:
        """Drop the queue and execute this document."""
        self._documents += 1
        if self._documents > _MAX_DOCUMENTS:
            self.problem = "too many documents"
            return self._application_error()
        # A new document ends normally, even after an error in the previous one.
        self._ending = End("document_ended")
        try:
            self._verbs = list(parse(text, base_url))
        except TwimlError as error:
            self.problem = str(error)
            return self._failed(error.code, base_url)
        return self._next()

    def redirect(self, url: str, method: str) -> Step:
        """Drop the queue and request this URL."""
        self._verbs = []
        return self._go(Fetch(url, method))

    @property
    def planned(self) -> tuple[Verb, ...]:
        """The verbs that are still queued."""
        return tuple(self._verbs)

    def _after_verb(self, params: dict[str, str]) -> Step:
        current = self._current
        # An action replaces the rest of the document, even if more verbs follow.
        if isinstance(current, Connect | Dial) and current.action:
            # Twilio sends the outcome of Connect and Dial to `action`; without one, the document continues.
            self._verbs = []
            return self._go(Fetch(current.action, current.method, params))
        # Without a key the document continues.
        if isinstance(current, Gather) and params.get("Digits"):
            self._verbs = []
            return self._go(Fetch(current.action, current.method, params))
        return self._next()

    def _next(self) -> Step:
        if not self._verbs:
            return self._go(self._ending)
        match self._verbs.pop(0):
            case Redirect(url, method):
                return self.redirect(url, method)
            case Hangup():
                return self._go(End("hung_up_by_document"))
            # A rejected call ends before it was answered, so it costs nothing.
            case Reject(reason):
                return self._go(End("rejected", _REJECTED.get(reason, "busy")))
            case verb:
                return self._go(verb)

    def _failed(self, code: str, url: str) -> Step:
        # The fallback URL is tried once per call: failing again leads to Twilio's error announcement.
        if not self._fallback_url or self._fell_back:
            return self._application_error()
        self._fell_back = True
        return self._go(Fetch(self._fallback_url, params={"ErrorCode": code, "ErrorUrl": url}))

    def _application_error(self) -> Step:
        self._verbs = []
        # Before the first document the call was never answered, so it has failed.
        self._ending = End("application_error", "failed" if self._documents == 0 else "completed")
        return self._go(Say(APPLICATION_ERROR))

    def _go(self, step: Step) -> Step:
        self._current = step
        return step
