"""A minimal SIP implementation (RFC 3261): outgoing calls for the Twilio stand-in, and a SIP phone on loopback.

Supports UDP and TCP, one dialog at a time, and µ-law over RTP. Does not support TLS, SRTP, registration,
authentication, proxies with their routes, re-INVITE or DTMF by SIP INFO.
"""

from standins.sip.leg import Leg, NotAnsweredError
from standins.sip.sip_phone import PersonScript, SipPhone

__all__ = ["Leg", "NotAnsweredError", "PersonScript", "SipPhone"]
