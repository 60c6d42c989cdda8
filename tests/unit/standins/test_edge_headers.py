"""How the load balancer stand-in changes headers, and which responses are its own."""

import re

from standins.edge.balancer import HealthCheck
from standins.edge.fixed_responses import page, redirection
from standins.edge.forwarded_headers import HeaderRules, RequestOrigin, through, to_target
from standins.edge.rules import RedirectAction
from standins.edge.targets import Health

ARRIVAL = RequestOrigin("192.0.2.7", "http", 7860)


def sent(*headers: tuple[str, str], rules: HeaderRules | None = None) -> dict[str, str]:
    """Return the headers that the target receives, by lower-case name."""
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return {name.decode().lower(): value.decode() for name, value in to_target(raw, ARRIVAL, rules or HeaderRules())}


def test_forwarded_for_is_appended_so_that_only_the_last_entry_can_be_trusted() -> None:
    """The client's address is appended to X-Forwarded-For, so only the last entry is trustworthy."""
    assert sent(("X-Forwarded-For", "6.6.6.6"), ("x-forwarded-for", "7.7.7.7"))["x-forwarded-for"] == (
        "6.6.6.6, 7.7.7.7, 192.0.2.7"
    )
    assert sent()["x-forwarded-for"] == "192.0.2.7"


def test_forwarded_for_can_be_kept_or_removed() -> None:
    """The attribute's other two modes keep or remove X-Forwarded-For."""
    given = ("X-Forwarded-For", "6.6.6.6")
    assert sent(given, rules=HeaderRules(forwarded_for="preserve"))["x-forwarded-for"] == "6.6.6.6"
    assert "x-forwarded-for" not in sent(given, rules=HeaderRules(forwarded_for="remove"))


def test_protocol_and_port_are_ours_whatever_the_client_says() -> None:
    """A client cannot claim another protocol or port, such as https."""
    seen = sent(("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443"), ("X-Forwarded-Host", "evil.example"))
    assert (seen["x-forwarded-proto"], seen["x-forwarded-port"]) == ("http", "7860")
    assert seen["x-forwarded-host"] == "evil.example"  # the original does not change it, so a service must not trust it


def test_host_stays_and_names_that_could_turn_into_others_go() -> None:
    """The Host header is kept, and names with an underscore are dropped because they could become others."""
    seen = sent(("Host", "agent.example:7860"), ("X_Forwarded_For", "6.6.6.6"), ("X-Twilio-Signature", "s"))
    assert (seen["host"], seen["x-twilio-signature"]) == ("agent.example:7860", "s")
    assert "x_forwarded_for" not in seen
    assert "x_a" in sent(("X_A", "1"), rules=HeaderRules(drops_invalid=False))


def test_every_request_gets_a_trace_id() -> None:
    """Every request gets a trace ID, which keeps a root that the client sent."""
    new = sent()["x-amzn-trace-id"]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", new)
    assert sent()["x-amzn-trace-id"] != new
    kept = sent(("X-Amzn-Trace-Id", "Self=1-0-0;Root=1-67891233-abcdef012345678912345678;A=b"))["x-amzn-trace-id"]
    assert re.fullmatch(r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678;A=b", kept)


def test_what_is_about_one_connection_stays_there() -> None:
    """Headers of one connection are not forwarded, except for an upgrade to a WebSocket."""
    seen = sent(("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"), ("Upgrade", "h2c"))
    assert not {"connection", "keep-alive", "te", "upgrade"} & set(seen)
    upgraded = sent(("Connection", "keep-alive, Upgrade"), ("Upgrade", "WebSocket"))
    assert (upgraded["connection"], upgraded["upgrade"]) == ("Upgrade", "WebSocket")
    assert through([(b"Connection", b"close"), (b"X", b"1")]) == [(b"X", b"1")]


def test_error_pages_and_redirects_look_like_the_original() -> None:
    """Error pages and redirects equal those of the real load balancer."""
    headers, body = page(503)
    assert (b"Server", b"awselb/2.0") in headers
    assert b"<center><h1>503 Service Unavailable</h1></center>" in body
    headers, _ = redirection(RedirectAction("HTTPS", "443", 301), "/a/b?c=d", "agent.example:7860")
    assert dict(headers)[b"Location"] == b"https://agent.example:443/a/b?c=d"


def test_a_target_changes_after_as_many_answers_as_the_template_says() -> None:
    """A target changes state after the template's number of answers, and its first answer decides at once."""
    health = Health(HealthCheck(healthy=2, unhealthy=3))
    said = [health.note(good=good) for good in (True, False, False, True, False, False, False, True, True)]
    assert said == [True, False, False, False, False, False, True, False, True]
    assert health.healthy is True


def test_codes_of_a_health_check_are_lists_and_ranges() -> None:
    """The codes of a health check may be lists and ranges, as in a Matcher of CloudFormation."""
    check = HealthCheck(codes="200,301-303")
    assert [status for status in (199, 200, 201, 300, 302, 303, 304) if check.accepts(status)] == [200, 302, 303]
