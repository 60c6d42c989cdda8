"""A small SIP (RFC 3261): a caller for the exchange, and a person who answers on loopback.

It speaks UDP and TCP, one dialogue at a time, µ-law in RTP. It does not pretend TLS, SRTP, registration,
authentication, proxies with their routes, re-invitations or DTMF.
"""

from standins.sip.leg import Leg, NotAnsweredError
from standins.sip.sip_phone import PersonScript, SipPhone

__all__ = ["Leg", "NotAnsweredError", "SipPhone", "PersonScript"]
