"""The load balancer's cookie, as AWS describes it."""

import pytest

from standins.edge import balancer
from standins.edge.forwarded_headers import Headers
from standins.edge.stickiness import Stickiness
from standins.edge.template_rules import RuleTemplate, TemplateError
from tests.support.edge_setting import TEMPLATE, WEB


def _sent_back(cookies: Headers, *, name: bytes = b"AWSALB") -> Headers:
    value = next(cookie.split(b";")[0] for _, cookie in cookies if cookie.startswith(name + b"="))
    return [(b"cookie", b"theme=dark; " + value + b"; other=1")]


@pytest.mark.parametrize("name", [b"AWSALB", b"AWSALBCORS"])
def test_a_client_that_sends_the_cookie_back_is_bound(name: bytes) -> None:
    """A client that returns either cookie is bound; the second cookie is for requests from other sites."""
    sticky = Stickiness(60)
    cookies = sticky.cookies("127.0.0.1:7861")
    assert sticky.address(_sent_back(cookies, name=name)) == "127.0.0.1:7861"
    assert [b"SameSite=None; Secure" in cookie for _, cookie in cookies] == [False, True]


def test_what_is_old_foreign_or_forged_binds_nobody() -> None:
    """An expired, foreign or forged cookie binds no client, because the cookie names a target."""
    sticky = Stickiness(60)
    good = _sent_back(sticky.cookies("127.0.0.1:7861"))
    assert Stickiness(60).address(good) is None
    assert Stickiness(0).address(_sent_back(Stickiness(0).cookies("a:1"))) is None
    expired = Stickiness(-1)
    assert expired.address(_sent_back(expired.cookies("a:1"))) is None
    forged = [(b"cookie", good[0][1].replace(b"AWSALB=", b"AWSALB=AAAA"))]
    assert sticky.address(forged) is None
    assert sticky.address([(b"cookie", b"AWSALB=x")]) is None
    assert sticky.address([]) is None


def test_only_the_pages_group_is_sticky_and_for_seconds() -> None:
    """Only the page's target group is sticky, and only for seconds, so that calls go where there is room."""
    groups = balancer.read(RuleTemplate(TEMPLATE)).groups
    sticky = {name: group.sticky_seconds for name, group in groups.items() if group.sticky_seconds is not None}
    assert sticky == {WEB: 5}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("stickiness.type, Value: lb_cookie", "stickiness.type, Value: app_cookie"), ('Value: "5"', 'Value: "0"')],
)
def test_what_cannot_be_played_is_refused(attribute: str, value: str) -> None:
    """Stickiness that the stand-in cannot simulate is rejected, because it would route differently."""
    assert attribute in TEMPLATE
    with pytest.raises(TemplateError):
        balancer.read(RuleTemplate(TEMPLATE.replace(attribute, value)))
