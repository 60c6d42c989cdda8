"""What Daily answers when it does not do what it was asked.

Source: https://docs.daily.co/docs/rest-api/errors and /docs/rest-api/authentication. `error` is stable, `info` is for
people and ours is worded as theirs seems to be.
"""


class RestRefusedError(Exception):
    """The request is not carried out.

    Args:
        status: HTTP status.
        error: One of Daily's constants.
        info: For a person.
        more: Further fields of the body.
    """

    def __init__(self, status: int, error: str, info: str, **more: object) -> None:
        super().__init__(info)
        self.status = status
        self.body: dict[str, object] = {"error": error, "info": info, **more}


def no_header() -> RestRefusedError:
    """No key came, or not as ``Authorization: Bearer KEY``."""
    return RestRefusedError(400, "authorization-header-error", "missing or bad Authorization header format")


def wrong_key() -> RestRefusedError:
    """The key is none of ours."""
    return RestRefusedError(401, "authentication-error", "invalid API key")


def no_json() -> RestRefusedError:
    """The body is not JSON."""
    return RestRefusedError(400, "json-parsing-error", "could not parse the request body as JSON")


def invalid(info: str) -> RestRefusedError:
    """Something in the request is missing or wrong."""
    return RestRefusedError(400, "invalid-request-error", info)


def no_room(name: str, **more: object) -> RestRefusedError:
    """There is no such room, or none any more."""
    return RestRefusedError(404, "not-found", f"room {name} not found", **more)


def too_fast() -> RestRefusedError:
    """The rate limit is exceeded."""
    return RestRefusedError(429, "rate-limit-error", "too many requests in too short a time")
