"""Show a visitor of the page how to reach a person: a card with configured values, nothing that the model made up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from agent_core.destinations import Destination
from agent_core.errors import UpstreamError
from webrtc_agent.settings import WebSettings


@dataclass(frozen=True, slots=True)
class Contact:
    """A person that a visitor can contact.

    Attributes:
        name: As configured.
        number: For the visitor to call, ``+`` and digits.
        url: A page where they can request a call.
    """

    name: str
    number: str | None
    url: str | None


def can_contact(settings: WebSettings) -> Callable[[Destination], bool]:
    """Return what tells whether a visitor can contact a person."""
    return lambda person: bool(contacts(settings, [person]))


def contacts(settings: WebSettings, people: Sequence[Destination]) -> tuple[Contact, ...]:
    """Return which of these people a visitor can contact; without a number of their own they get the common one.

    A SIP address is of no use to a browser and is never shown.
    """
    url = None if settings.callback_request_url is None else str(settings.callback_request_url)
    every = (Contact(one.name, one.number or settings.callback_number, url) for one in people)
    return tuple(one for one in every if one.number or one.url)


class CallBackCard:
    """Shows a visitor how to reach a person.

    Args:
        people: The people.
        tell: Sends a message to the page; must not block.
    """

    takes_over = False

    def __init__(self, people: Iterable[Contact], tell: Callable[[dict[str, Any]], None]) -> None:
        self._people = {one.name: one for one in people}
        self._tell = tell

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the people."""
        return tuple(self._people)

    def language_of(self, destination: str) -> str | None:
        """Return None: no person receives a summary, so that its language does not matter."""
        del destination
        return None

    async def bring(self, destination: str, summary: str) -> None:
        """Show the card.

        Raises:
            UpstreamError: the page cannot be reached.
        """
        # No person receives a summary: the visitor calls them later.
        del summary
        try:
            self._tell(card(self._people[destination]))
        except (OSError, RuntimeError) as error:
            raise UpstreamError("page", type(error).__name__) from error


def card(contact: Contact) -> dict[str, Any]:
    """Return the RTVI message."""
    data = {"type": "call-back", "name": contact.name, "number": contact.number, "url": contact.url}
    return {"id": uuid4().hex, "label": "rtvi-ai", "type": "server-message", "data": data}
