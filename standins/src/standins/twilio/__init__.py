"""A stand-in for Twilio Voice: executes TwiML, sends webhooks and media streams, and has simulated phones to call from.

It is for laptops and tests, and has no connection to the phone network.
"""

from standins.twilio.call_server import BANNER, CallServer, RestFault
from standins.twilio.handset import Handset
from standins.twilio.server import TwilioExchange
from standins.twilio.settings import DialScript, ExchangeSettings

__all__ = ["BANNER", "CallServer", "DialScript", "ExchangeSettings", "Handset", "RestFault", "TwilioExchange"]
