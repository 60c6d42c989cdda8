"""The messages of one outgoing call, in the order of RFC 3261. No socket, no clock."""

import secrets
from typing import Final

from standins.sip import sdp
from standins.sip.message import VERSION, SipMessage

_AGENT: Final = "Twilio Gateway stand-in"
_HOPS: Final = "70"


class Dialog:
    """Creates the requests of a call.

    Args:
        uri: Address to call.
        caller: Caller ID: a number or a name.
        local: Local address and port for SIP.
        transport: ``UDP`` or ``TCP``.
    """

    def __init__(self, uri: str, caller: str, local: tuple[str, int], transport: str) -> None:
        self.call_id = f"{secrets.token_hex(12)}@{local[0]}"
        self._uri = uri
        self._where = f"{local[0]}:{local[1]}"
        self._transport = transport
        self._from = f"<sip:{caller}@{self._where}>;tag={secrets.token_hex(6)}"
        self._to = f"<{uri}>"
        self._contact = f"<sip:exchange@{self._where};transport={transport.lower()}>"
        self._branch = self._new_branch()
        self._target = uri
        self._number = 1

    def invite(self, headers: tuple[tuple[str, str], ...], offer: bytes) -> SipMessage:
        """Return the INVITE, with additional headers."""
        return self._request(
            "INVITE",
            self._uri,
            self._branch,
            extra=(*headers, ("Contact", self._contact), ("Content-Type", sdp.TYPE)),
            body=offer,
        )

    def cancel(self) -> SipMessage:
        """Return the CANCEL, which has the branch of the INVITE."""
        # A CANCEL has the branch and the number of the INVITE that it cancels.
        return self._request("CANCEL", self._uri, self._branch)

    def acknowledge(self, answer: SipMessage) -> SipMessage:
        """Return the ACK of a final response: with a new branch after a 2xx, otherwise with that of the INVITE."""
        self._to = answer.header("to")
        if answer.status >= 300:  # noqa: PLR2004 - not a 2xx
            # The ACK of a refusal belongs to the INVITE's transaction, so it has the same branch.
            return self._request("ACK", self._uri, self._branch)
        # After a 2xx, requests go to the address in Contact, not to the one that was called (RFC 3261, 12.2.1.1).
        contact = answer.header("contact")
        if contact:
            self._target = contact[contact.find("<") + 1 : contact.find(">")] if "<" in contact else contact
        return self._request("ACK", self._target, self._new_branch())

    def bye(self) -> SipMessage:
        """Return the BYE."""
        # Every new request in a dialog has the next number.
        self._number += 1
        return self._request("BYE", self._target, self._new_branch())

    def owns(self, message: SipMessage) -> bool:
        """Return whether a message belongs to this call."""
        return message.header("call-id") == self.call_id

    @staticmethod
    def _new_branch() -> str:
        return f"z9hG4bK{secrets.token_hex(8)}"

    def _request(
        self, method: str, uri: str, branch: str, extra: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> SipMessage:
        headers = (
            ("Via", f"{VERSION}/{self._transport} {self._where};branch={branch};rport"),
            ("Max-Forwards", _HOPS),
            ("From", self._from),
            ("To", self._to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._number} {method}"),
            ("User-Agent", _AGENT),
            *extra,
        )
        return SipMessage(f"{method} {uri} {VERSION}", headers, body)


def reply(
    request: SipMessage, status: int, reason: str, *, tag: str = "", description: tuple[str, bytes] | None = None
) -> SipMessage:
    """Return the response to a request; with a description, it accepts a call and names our address for audio."""
    extra: tuple[tuple[str, str], ...] = ()
    if description is not None:
        extra = (("Contact", description[0]), ("Content-Type", sdp.TYPE))
    to = request.header("to")
    # The tag identifies the callee's side of the dialog.
    if tag and ";tag=" not in to:
        to = f"{to};tag={tag}"
    headers = (
        *(("Via", via) for via in request.all("via")),
        ("From", request.header("from")),
        ("To", to),
        ("Call-ID", request.header("call-id")),
        ("CSeq", request.header("cseq")),
        *extra,
    )
    return SipMessage(f"{VERSION} {status} {reason}", headers, description[1] if description else b"")
