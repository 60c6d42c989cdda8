"""Run the load balancer stand-in: ``python -m standins.edge --target PhoneTargetGroup=127.0.0.1:7861``."""

import argparse
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from standins.command import failure, run, serve, write
from standins.edge.control import control_app
from standins.edge.server import ABOUT, Address, Edge, EdgeSettings, find_template
from standins.edge.template_rules import TemplateError
from standins.serving import serving


def main() -> int:
    """Serve until a signal; write one JSON line per event to stdout."""
    options = _parser().parse_args()
    try:
        template = options.template or find_template()
        settings = EdgeSettings(
            template.read_text(encoding="utf-8"),
            _by_group(options.target),
            port=options.port,
            host=options.host,
            log=write,
        )
        edge = Edge(settings)
    except (OSError, TemplateError) as error:
        write(failure(error, options.port))
        return 1
    return run(serve(_controlled(edge, options.control_port), lambda urls: {**urls, "about": ABOUT}), options.port)


@asynccontextmanager
async def _controlled(edge: Edge, port: int | None) -> AsyncIterator[dict[str, object]]:
    async with AsyncExitStack() as stack:
        # The load balancer first: the control server refers to it.
        await stack.enter_async_context(edge)
        urls: dict[str, object] = {"url": edge.url}
        if port is not None:
            control = await stack.enter_async_context(serving(control_app(edge), host="127.0.0.1", port=port))
            urls["control"] = f"http://127.0.0.1:{control}"
        yield urls


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m standins.edge", description=ABOUT)
    parser.add_argument("--port", type=int, default=7860, help="0 selects a free port (default: %(default)s)")
    parser.add_argument("--control-port", type=int, help="port of the control API for targets; 0 selects a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--template", type=Path, help="default: edge.yaml of this folder or one of its parents")
    parser.add_argument(
        "--target",
        action="append",
        type=_target,
        default=[],
        metavar="GROUP=HOST:PORT",
        help="a process in a target group of the template; can be repeated",
    )
    return parser


def _target(text: str) -> tuple[str, Address]:
    group, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    # rpartition: an IPv6 address contains colons.
    if not (group and host and port.isdigit()):
        raise argparse.ArgumentTypeError(f"{text} is not like PhoneTargetGroup=127.0.0.1:7861")
    return group, (host, int(port))


def _by_group(targets: Iterable[tuple[str, Address]]) -> dict[str, list[Address]]:
    groups: dict[str, list[Address]] = defaultdict(list)
    for group, address in targets:
        groups[group].append(address)
    return groups


if __name__ == "__main__":
    sys.exit(main())
