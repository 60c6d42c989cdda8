"""Finds out why a host does not answer, in the words of this machine's own resolver, sockets and TLS.

AWS's CRT holds a connection whose certificate it does not accept for tens of seconds before it says so, and then only
that TLS failed. A look beside it takes one round trip, and ends in an exception that says what is wrong.
"""

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import urlsplit


async def obstacle(url: str, seconds: float) -> OSError | None:
    """Connect as a client would, and return what is in the way; None where nothing is, or no answer came in time.

    Args:
        url: Where to, https.
        seconds: Longest time.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(seconds):
            trust = await asyncio.to_thread(ssl.create_default_context)  # reads 150 certificates
            trust.set_alpn_protocols(["h2"])
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=trust)
    except TimeoutError:
        return None
    except OSError as error:
        return error
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    return None
