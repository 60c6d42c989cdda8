"""Find out why a host does not respond, using this machine's own resolver, sockets and TLS.

AWS's CRT holds a connection with a rejected certificate for tens of seconds before it reports a failure, and then says
only that TLS failed. A separate connection attempt takes one round trip and ends in an exception that says what is
wrong.
"""

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import urlsplit


async def obstacle(url: str, seconds: float) -> OSError | None:
    """Connect as a client would, and return what blocks it; None if nothing does, or on a timeout.

    Args:
        url: The host to reach, https.
        seconds: Limit.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(seconds):
            trust = await asyncio.to_thread(ssl.create_default_context)  # loads 150 certificates
            trust.set_alpn_protocols(["h2"])
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=trust)
    except TimeoutError:
        return None  # the caller's own timeout says the same
    except OSError as error:
        return error
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    return None
