"""How a request is sent again: by stamina, which counts the tries, waits between them and draws the jitter.

Import its names from here, where its own log lines are off.
"""

from stamina import AsyncRetryingCaller, retry_context
from stamina.instrumentation import set_on_retry_hooks

__all__ = ["AsyncRetryingCaller", "retry_context"]

# They show the arguments of a call, which may be a key or a phone number.
set_on_retry_hooks(())
