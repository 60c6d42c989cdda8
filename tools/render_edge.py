"""Generates nginx's configuration for docker-compose.yml from the load balancer's template, so that both route alike.

``python -m tools.render_edge`` writes it; a test compares the committed file with the generated one. nginx replaces the
load balancer's plain HTTP listener, the only one on a laptop.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from standins.edge import balancer
from standins.edge.balancer import Balancer
from standins.edge.rules import Forward, Listener
from standins.edge.template_rules import RuleTemplate

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra/cloudformation/edge.yaml"
CONFIGURATION = ROOT / "infra/edge/nginx.conf"


class UnrenderableError(ValueError):
    """The template uses a feature that this generator does not support; the text says which."""


@dataclass(frozen=True)
class NginxTarget:
    """The environment of nginx.

    Args:
        port: Port to listen on.
        groups: Address of each target group, ``host:port``.
        resolver: Address of the DNS server that resolves container names.
    """

    port: int = 7860
    groups: Mapping[str, str] | None = None
    resolver: str = "127.0.0.11"

    def address(self, group: str) -> str:
        """Return the address of a target group."""
        return (self.groups or IN_COMPOSE)[group]


IN_COMPOSE = {"PhoneTargetGroup": "phone-agent:7860", "WebTargetGroup": "webrtc-agent:7860"}

_FORWARDED_FOR = {"append": "$proxy_add_x_forwarded_for", "preserve": "$http_x_forwarded_for", "remove": '""'}

_FRAME = """\
# Rendered from infra/cloudformation/edge.yaml by `python -m tools.render_edge`: change the rules there, not here.
daemon off;
pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 1;

events {{
    worker_connections 1024;
}}

http {{
    access_log off;
    server_tokens off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;

    # Resolve names for every request, because a recreated container has another address.
    resolver {resolver} valid=2s ipv6=off;

    # The raw path, without the query: the load balancer does not decode or normalise paths.
    map $request_uri $raw_path {{
        "~^(?<before_query>[^?]*)" $before_query;
    }}
    map $raw_path $target {{
{routes}
    }}

    map $http_upgrade $connection_to_target {{
        default upgrade;
        "" "";
    }}

    # The load balancer adds a trace ID of its own to each request, beside the client's.
    map $request_id $trace_id {{
        "~^(?<trace_time>.{{8}})(?<trace_rest>.{{24}})$" "1-$trace_time-$trace_rest";
    }}
    map $http_x_amzn_trace_id $trace {{
        default "Root=$trace_id";
        "~Root=" "Self=$trace_id;$http_x_amzn_trace_id";
    }}

    server {{
        listen {port};
        merge_slashes off;
        ignore_invalid_headers {ignore_invalid};
        client_max_body_size 0;
        large_client_header_buffers 4 16k;
        keepalive_timeout {idle}s;
        client_header_timeout {idle}s;
        client_body_timeout {idle}s;
        send_timeout {idle}s;

        location / {{
            proxy_pass http://$target;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_connect_timeout 10s;
            proxy_read_timeout {idle}s;
            proxy_send_timeout {idle}s;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_to_target;
            proxy_set_header X-Forwarded-For {forwarded_for};
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Port $server_port;
            proxy_set_header X-Amzn-Trace-Id $trace;
        }}
    }}
}}
"""


def render(template: str, place: NginxTarget | None = None) -> str:
    """Return the configuration.

    Args:
        template: Text of the load balancer's template.
        place: The environment; by default docker-compose.yml's.

    Raises:
        UnrenderableError: nginx would route differently.
    """
    place = place or NginxTarget()
    described = balancer.read(RuleTemplate(template))
    return _FRAME.format(
        resolver=place.resolver,
        port=place.port,
        # Plain HTTP: TLS ends at the load balancer.
        routes="\n".join(f"        {line}" for line in _routes(described.listeners[80], place)),
        idle=int(described.idle),
        ignore_invalid="on" if described.drops_invalid_headers else "off",
        forwarded_for=_forwarded_for(described),
    )


def _routes(listener: Listener, place: NginxTarget) -> list[str]:
    """Return a line for each pattern, in the order of the rules' priorities."""
    lines = [f'default "{_target(listener.default, place)}";']
    # nginx takes the first match, the load balancer the lowest priority.
    for rule in sorted(listener.rules, key=lambda rule: rule.priority):
        if rule.headers:
            raise UnrenderableError("header conditions are not supported: compose has no canary")
        address = _target(rule.action, place)
        lines += [f'"~^{_expression(pattern)}$" "{address}";' for pattern in rule.patterns]
    return lines


def _target(action: object, place: NginxTarget) -> str:
    if not isinstance(action, Forward):
        raise UnrenderableError(f"only forward actions are supported, not {action}")
    return place.address(action.group)


def _expression(pattern: str) -> str:
    """Convert a path pattern to a regular expression: ``*`` matches any characters, ``?`` exactly one."""
    if '"' in pattern or "\\" in pattern:
        raise UnrenderableError(f"{pattern!r} cannot be quoted for nginx")
    # Undo what re.escape does to characters that are not special to nginx.
    return re.escape(pattern).replace(r"\-", "-").replace(r"\*", ".*").replace(r"\?", ".")


def _forwarded_for(described: Balancer) -> str:
    return _FORWARDED_FOR[described.forwarded_for]


def main() -> int:
    """Write the file; return 0."""
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.write_text(render(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
