"""Add security headers to every response."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DAILY = ("daily.co", "dailywebrtc.com", "dailywebrtc.net")
"""Daily's library tries the next domain if a network blocks one. Its reports to sentry.io stay blocked.

Source: https://docs.daily.co/docs/guides/privacy-and-security/corporate-firewalls-nats-allowed-ip-list.
"""
_DAILY_SCRIPTS = " ".join(f"https://*.{name}" for name in _DAILY)
_DAILY_SOURCES = " ".join(f"https://*.{name} wss://*.{name}" for name in _DAILY)


def content_security_policy(*, daily: bool) -> str:
    """Return what a page may load and connect to: this service, and Daily if audio travels through it."""
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self'{f' {_DAILY_SCRIPTS} blob:' if daily else ''}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "media-src 'self' blob:",
            f"connect-src 'self'{f' {_DAILY_SOURCES}' if daily else ''}",
            f"worker-src 'self'{' blob:' if daily else ''}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class SecurityHeaders:
    """Adds the headers to every response.

    Args:
        app: The application.
        daily: Whether audio travels through Daily.
        https: Whether the service is public over HTTPS, and browsers must keep to that.
    """

    def __init__(self, app: ASGIApp, *, daily: bool, https: bool = False) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(daily=daily),
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # Only a default: the page's own files set how long they may be cached.
                headers.setdefault("Cache-Control", "no-store")
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)
