"""A telephone exchange that behaves like Twilio on the wire, and telephones to call from.

It is for laptops and tests. It has no telephone network behind it, and says so.
"""

from standins.twilio.call_server import BANNER, CallServer, RestFault
from standins.twilio.handset import Handset
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import DialScript, ExchangeSettings

__all__ = ["BANNER", "DialScript", "CallServer", "ExchangeSettings", "Handset", "RestFault", "TwilioExchange"]
