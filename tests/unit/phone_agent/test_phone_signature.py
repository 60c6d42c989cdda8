"""Who may call the webhooks and open the streams: Twilio's vectors, its documentation as the peer, and strangers."""

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.request_validator import get_signature_algorithm

from agent_core.errors import ConfigurationError, Forbidden
from phone_agent.signature import SignatureVerifier

TOKEN = "1c892n40nd03kdnc0112slzkl3091j20"
BASE = "https://agent.example.com"
FORM = [("CallSid", "CA1234567890ABCDE"), ("From", "+14158675309"), ("Caller", "+14158675309"), ("Digits", "")]
PATH = "/incoming-call?foo=1&bar=2"
STREAM_PATH = "/media-stream/CA1234567890ABCDE"
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"

# From the test-suite of twilio-python; the signature of the first one is in Twilio's documentation as well.
VECTOR_TOKEN = "12345"
VECTOR_PATH = "/myapp.php?foo=1&bar=2"
VECTOR_FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
VECTOR_REPEATED = [
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
]
VECTOR_BODY = b'{"property": "value", "boolean": true}'
VECTOR_BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def sign(url: str, form: Sequence[tuple[str, str]] = (), token: str = TOKEN, algorithm: str = "sha1") -> str:
    """Sign by Twilio's documentation alone, without its library, which the product uses."""
    names = sorted({name for name, _ in form})
    fields = [name + value for name in names for value in sorted({v for n, v in form if n == name})]
    return b64encode(digest(token.encode(), (url + "".join(fields)).encode(), algorithm)).decode()


def post(  # noqa: PLR0913 - a request has so many parts
    verifier: SignatureVerifier,
    signature: str | None,
    *,
    path: str = PATH,
    form: Sequence[tuple[str, str]] = tuple(FORM),
    method: str = "POST",
    content_type: str | None = FORM_TYPE,
) -> None:
    """Check a form post."""
    body = urlencode(list(form)).encode()
    verifier.webhook(method, path, form=form, raw_body=body, content_type=content_type, signature=signature)


def get(verifier: SignatureVerifier, path: str, signature: str | None) -> None:
    """Check a GET."""
    verifier.webhook("GET", path, form=None, raw_body=b"", content_type=None, signature=signature)


@pytest.fixture
def verifier() -> SignatureVerifier:
    """Return a verifier with one token, reached over https."""
    return SignatureVerifier([SecretStr(TOKEN)], BASE)


@pytest.mark.parametrize(
    ("base", "form", "signature"),
    [
        ("https://mycompany.com", VECTOR_FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:1234", VECTOR_FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("http://mycompany.com:1234", VECTOR_FORM, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://mycompany.com", VECTOR_FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com", VECTOR_FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("https://mycompany.com", VECTOR_REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ],
    ids=["https", "port dropped", "http port dropped", "port added", "http port added", "repeated names"],
)
def test_published_vector_is_accepted(base: str, form: Sequence[tuple[str, str]], signature: str) -> None:
    """Twilio's published vectors are accepted."""
    verifier = SignatureVerifier([VECTOR_TOKEN], base)
    post(verifier, signature, path=VECTOR_PATH, form=form)
    with pytest.raises(Forbidden):
        post(verifier, signature, path=VECTOR_PATH, form=[*form, ("x", "y")])


def test_published_body_vector_is_accepted_and_its_body_may_not_change() -> None:
    """A body that is not a form is covered by its hash in the signed query, and may not change."""
    verifier = SignatureVerifier([VECTOR_TOKEN], "https://mycompany.com")
    path = f"{VECTOR_PATH}&bodySHA256={VECTOR_BODY_HASH}"

    def check(body: bytes) -> None:
        verifier.webhook(
            "POST",
            path,
            form=None,
            raw_body=body,
            content_type="application/json",
            signature="a9nBmqA0ju/hNViExpshrM61xv4=",
        )

    check(VECTOR_BODY)
    with pytest.raises(Forbidden, match="body_altered"):
        check(VECTOR_BODY + b" ")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "body_unsigned"),
        ("?bodySHA256=é", "body_"),
        ("?bodySHA256={0}&bodySHA256={0}", "body_"),
        ("?bodySHA256=", "body_"),
        ("?bodysha256={0}", "body_"),
    ],
)
def test_body_without_one_hash_is_refused(verifier: SignatureVerifier, query: str, reason: str) -> None:
    """A valid signature of the URL does not cover the body: its hash must occur exactly once, in hexadecimal."""
    body = json.dumps({"a": 1}).encode()
    path = "/incoming-call" + query.format(sha256(body).hexdigest())
    with pytest.raises(Forbidden, match=reason):
        verifier.webhook(
            "POST", path, form=None, raw_body=body, content_type="application/json", signature=sign(BASE + path)
        )


def test_form_of_another_content_type_is_refused(verifier: SignatureVerifier) -> None:
    """A form of another content type is rejected: Twilio does not sign the fields of a multipart body."""
    with pytest.raises(Forbidden, match="body_unsigned"):
        post(verifier, sign(BASE + PATH, FORM), content_type="multipart/form-data; boundary=x")


def test_get_is_signed_with_its_query(verifier: SignatureVerifier) -> None:
    """A number configured for GET works; a changed query does not."""
    signature = sign(BASE + "/incoming-call?CallSid=CA1&From=%2B1415")
    get(verifier, "/incoming-call?CallSid=CA1&From=%2B1415", signature)
    with pytest.raises(Forbidden, match="signature_mismatch"):
        get(verifier, "/incoming-call?CallSid=CA2&From=%2B1415", signature)


def test_get_with_a_body_is_refused(verifier: SignatureVerifier) -> None:
    """A signed GET with a body is rejected, since it could carry an unsigned form."""
    with pytest.raises(Forbidden, match="body_unsigned"):
        post(verifier, sign(BASE + PATH), method="GET")


def test_each_token_signs_while_one_is_replaced() -> None:
    """During a rotation, a signature with either token is accepted."""
    verifier = SignatureVerifier(["old-token", SecretStr("new-token")], BASE)
    for token in ("old-token", "new-token"):
        post(verifier, sign(BASE + PATH, FORM, token))
    with pytest.raises(Forbidden, match="signature_mismatch"):
        post(verifier, sign(BASE + PATH, FORM, "third-token"))


@pytest.mark.parametrize(
    "signed",
    [
        sign(BASE + PATH, FORM, "another-token"),
        sign(BASE + PATH, [*FORM[1:], ("CallSid", "CA0")]),
        sign(BASE + PATH, FORM[1:]),
        sign(BASE.replace("https", "http") + PATH, FORM),
        sign(f"{BASE}/incoming-call/?foo=1&bar=2", FORM),
        sign(f"{BASE}/incoming-call", FORM),
        sign(f"https://evil.example.com{PATH}", FORM),
        sign(f"{BASE}:8443{PATH}", FORM),
        sign(f"wss://agent.example.com{PATH}", FORM),
    ],
    ids=["token", "value", "field", "scheme", "slash", "query", "host", "port", "socket"],
)
def test_signature_of_something_else_is_refused(verifier: SignatureVerifier, signed: str) -> None:
    """A signature is valid for one token, address and form."""
    with pytest.raises(Forbidden, match="signature_mismatch"):
        post(verifier, signed)


@pytest.mark.parametrize(
    "signature",
    [None, "", " ", "é" * 28, "x" * 10_240, "x" * 27, "x" * 29, sign(BASE + PATH, FORM) + "\n", "\ud800" * 28],
    ids=["missing", "empty", "blank", "not ASCII", "10 kB", "short", "long", "line break", "surrogates"],
)
def test_signature_that_is_none_is_refused(verifier: SignatureVerifier, signature: str | None) -> None:
    """Any invalid header causes a rejection, never another error."""
    with pytest.raises(Forbidden):
        post(verifier, signature)
    with pytest.raises(Forbidden):
        verifier.handshake(STREAM_PATH, signature)


def test_text_that_cannot_be_encoded_is_refused(verifier: SignatureVerifier) -> None:
    """An unpaired surrogate in a field causes a rejection, not a crash."""
    with pytest.raises(Forbidden, match="signature_mismatch"):
        verifier.webhook(
            "POST", PATH, form=[("a", "\ud800")], raw_body=b"a=%ED", content_type=FORM_TYPE, signature="x" * 28
        )


@pytest.mark.parametrize("port", ["", ":443"])
@pytest.mark.parametrize("scheme", ["wss", "https"])
@pytest.mark.parametrize("end", ["", "/"])
def test_handshake_is_accepted_in_every_spelling(verifier: SignatureVerifier, scheme: str, port: str, end: str) -> None:
    """Each of Twilio's spellings of one address is accepted, with or without a slash in the settings."""
    signature = sign(f"{scheme}://agent.example.com{port}{STREAM_PATH}{end}")
    verifier.handshake(STREAM_PATH, signature)
    verifier.handshake(STREAM_PATH + "/", signature)


@pytest.mark.parametrize(
    "url",
    [
        f"ws://agent.example.com{STREAM_PATH}",
        f"wss://agent.example.com:80{STREAM_PATH}",
        "wss://agent.example.com/media-stream/CA0",
        f"wss://evil.example.com{STREAM_PATH}",
        f"wss://agent.example.com{STREAM_PATH}?ticket=1",
    ],
)
def test_handshake_for_another_address_is_refused(verifier: SignatureVerifier, url: str) -> None:
    """A signature for one call's stream opens no other stream."""
    with pytest.raises(Forbidden, match="signature_mismatch"):
        verifier.handshake(STREAM_PATH, sign(url))


def test_plain_socket_is_accepted_where_the_base_is_plain() -> None:
    """A plain socket is accepted where the base URL is http, as on a laptop, with a port."""
    verifier = SignatureVerifier([TOKEN], "http://127.0.0.1:7860/")
    verifier.handshake(STREAM_PATH, sign(f"ws://127.0.0.1:7860{STREAM_PATH}"))
    post(verifier, sign(f"http://127.0.0.1:7860{PATH}", FORM))


@pytest.mark.parametrize("base", ["https://[2001:db8::1]:8443", "https://[2001:db8::1]"])
def test_ipv6_host_keeps_its_brackets(base: str) -> None:
    """An address with colons is not mistaken for a port."""
    post(SignatureVerifier([TOKEN], base), sign(f"{base}{PATH}", FORM))


def test_prefix_of_the_public_address_is_signed() -> None:
    """A service behind a path prefix signs with the prefix."""
    verifier = SignatureVerifier([TOKEN], f"{BASE}/voice/")
    post(verifier, sign(f"{BASE}/voice{PATH}", FORM))


@pytest.mark.parametrize("tokens", [[], [""], [TOKEN, SecretStr("")]])
def test_no_token_is_no_verifier(tokens: list[SecretStr | str]) -> None:
    """A verifier needs a token: any client could sign with an empty key."""
    with pytest.raises(ConfigurationError, match="TWILIO_AUTH_TOKEN"):
        SignatureVerifier(tokens, BASE)


@pytest.mark.parametrize(
    "base", ["", "agent.example.com", "ftp://agent", "https://u:p@agent", "https://a?b=1", "https://a#b"]
)
def test_address_that_cannot_be_signed_is_refused(base: str) -> None:
    """A URL that cannot be signed is found at start, not at the first call."""
    with pytest.raises(ConfigurationError, match="PUBLIC_BASE_URL"):
        SignatureVerifier([TOKEN], base)


def test_token_is_not_in_the_representation(verifier: SignatureVerifier) -> None:
    """A verifier in a log line does not reveal the token."""
    assert TOKEN not in repr(verifier)


KEY, SECRET = "webhooks_sharedkey_1", "shared-secret"
SHA256 = f"key={KEY},algorithm=HMAC_SHA256"


def shared(url: str, form: Sequence[tuple[str, str]] = (), secret: str = SECRET) -> str:
    """Sign with a shared key."""
    return sign(url, form, secret, "sha256")


def post_shared(verifier: SignatureVerifier, signature: str, settings_header: str | None = SHA256) -> None:
    """Check a form post with the header of a shared key."""
    verifier.webhook(
        "POST",
        PATH,
        form=FORM,
        raw_body=urlencode(FORM).encode(),
        content_type=FORM_TYPE,
        signature=signature,
        signed_with=settings_header,
    )


@pytest.fixture
def keys() -> SignatureVerifier:
    """Return a verifier with one token and two shared keys."""
    return SignatureVerifier([TOKEN], BASE, {KEY: SECRET, "webhooks_sharedkey_2": "other-secret"})


@pytest.mark.parametrize(
    "header",
    [
        SHA256,
        f"key={KEY}, algorithm=hmac_sha256",
        f"algorithm=HMAC_SHA256,key={KEY}",
        f"key={KEY},algorithm=HMAC_SHA256,version=2",
    ],
)
def test_a_shared_key_signs_in_place_of_the_token(keys: SignatureVerifier, header: str) -> None:
    """A shared key signs webhooks and handshakes, and the header is parsed as Twilio's library parses it."""
    assert get_signature_algorithm(header).upper() == "HMAC_SHA256"
    post_shared(keys, shared(BASE + PATH, FORM), header)
    keys.handshake(STREAM_PATH, shared(f"wss://agent.example.com{STREAM_PATH}"), header)
    keys.handshake(STREAM_PATH, shared(f"wss://agent.example.com{STREAM_PATH}/"), header)
    post(keys, sign(BASE + PATH, FORM))


@pytest.mark.parametrize(
    ("signature", "header", "reason"),
    [
        (shared(BASE + PATH, FORM), None, "signature_malformed"),
        (shared(BASE + PATH, FORM), "", "signature_malformed"),
        (shared(BASE + PATH, FORM, TOKEN), SHA256, "signature_mismatch"),
        (shared(BASE + PATH, FORM, "other-secret"), SHA256, "signature_mismatch"),
        (shared(BASE + PATH, FORM[1:]), SHA256, "signature_mismatch"),
        (sign(BASE + PATH, FORM), SHA256, "signature_malformed"),
        (sign(BASE + PATH, FORM), f"key={KEY}", "signature_mismatch"),
        (shared(BASE + PATH, FORM), f"key={KEY}", "signature_malformed"),
        (shared(BASE + PATH, FORM), "key=another,algorithm=HMAC_SHA256", "signature_key_unknown"),
        (shared(BASE + PATH, FORM), "algorithm=HMAC_SHA256", "signature_settings_malformed"),
        (shared(BASE + PATH, FORM), f"key={KEY},key=x,algorithm=HMAC_SHA256", "signature_settings_malformed"),
        (shared(BASE + PATH, FORM), f"key={KEY},algorithm=HMAC_SHA512", "signature_algorithm_unknown"),
        (shared(BASE + PATH, FORM), "x" * 5000, "signature_settings_malformed"),
        (shared(BASE + PATH, FORM), "key=\u00e9,algorithm=HMAC_SHA256", "signature_settings_malformed"),
        ("", SHA256, "signature_missing"),
    ],
)
def test_neither_key_stands_in_for_the_other(
    keys: SignatureVerifier, signature: str, header: str | None, reason: str
) -> None:
    """A wrong key, another algorithm or a missing one is rejected, and the log names the header."""
    with pytest.raises(Forbidden, match=reason) as refused:
        post_shared(keys, signature, header)
    if "settings" in reason or "unknown" in reason:
        assert "X-Twilio-Webhooks-Signature-Settings" in refused.value.reason


def test_an_address_with_capitals_is_signed_as_it_is_written() -> None:
    """Twilio signs the number's address as the operator wrote it; the product's own addresses are in lower case."""
    verifier = SignatureVerifier([TOKEN], "https://Agent.Example.COM:8443/Voice")
    for host in ("Agent.Example.COM", "agent.example.com"):
        for port in ("", ":8443"):
            post(verifier, sign(f"https://{host}{port}/Voice{PATH}", FORM))
    with pytest.raises(Forbidden):
        post(verifier, sign(f"https://agent.example.com/voice{PATH}", FORM))


@settings(derandomize=True)
@given(st.lists(st.tuples(st.text(), st.text()), max_size=8))
def test_any_form_is_signed_as_the_peer_signs_it(form: list[tuple[str, str]]) -> None:
    """For any names and values, sorted or repeated, both sides compute the same signature."""
    fields = parse_qsl(urlencode(form), keep_blank_values=True)
    post(SignatureVerifier([TOKEN], BASE), sign(BASE + PATH, fields), form=fields)
