"""Error responses of Daily.

Source: https://docs.daily.co/docs/rest-api/errors and /docs/rest-api/authentication. `error` is stable; `info` is for
people, and worded similarly to Daily's.
"""


class RestRefusedError(Exception):
    """The request is rejected.

    Args:
        status: HTTP status.
        error: One of Daily's constants.
        info: Explanation for a person.
        more: Further fields of the body.
    """

    def __init__(self, status: int, error: str, info: str, **more: object) -> None:
        super().__init__(info)
        self.status = status
        # Daily's errors all have these two fields.
        self.body: dict[str, object] = {"error": error, "info": info, **more}


def no_header() -> RestRefusedError:
    """Return the error for a missing key, or one that is not ``Authorization: Bearer KEY``."""
    return RestRefusedError(400, "authorization-header-error", "missing or bad Authorization header format")


def wrong_key() -> RestRefusedError:
    """Return the error for a wrong key."""
    return RestRefusedError(401, "authentication-error", "invalid API key")


def no_json() -> RestRefusedError:
    """Return the error for a body that is not JSON."""
    return RestRefusedError(400, "json-parsing-error", "could not parse the request body as JSON")


def invalid(info: str) -> RestRefusedError:
    """Return the error for a missing or invalid value."""
    return RestRefusedError(400, "invalid-request-error", info)


def no_room(name: str, **more: object) -> RestRefusedError:
    """Return the error for a room that does not exist, or no longer exists."""
    return RestRefusedError(404, "not-found", f"room {name} not found", **more)


def too_fast() -> RestRefusedError:
    """Return the error for an exceeded rate limit."""
    return RestRefusedError(429, "rate-limit-error", "too many requests in too short a time")
