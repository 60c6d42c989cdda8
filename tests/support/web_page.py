"""A load balancer's address as a deployment sees it: healthy, with a page, and 503 for a canary that does not run."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from moto.ecs.models import ecs_backends

from tests.support.stacks import REGION

_ACCOUNT = "123456789012"
"""Moto's."""


def canaries() -> list[str]:
    """List the services of ECS that are canaries; moto still lists deleted ones."""
    every = ecs_backends[_ACCOUNT][REGION].services.values()
    return [one.name for one in every if "-canary-" in one.name and one.status == "ACTIVE"]


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer any request."""
        body = b"<!doctype html><title>Voice agent</title>"
        self.send_response(200 if "X-Canary" not in self.headers or canaries() else 503)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve it during the block; return the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
