"""One log line has the cause of a failed service and what to do, and nothing private.

Strict servers on this machine reject requests as the real services do; the product's adapters call them.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from pydantic import SecretStr

from agent_core import causes
from agent_core.causes import Cause, classify
from agent_core.errors import AgentError
from agent_core.nova.credentials import CredentialSource
from agent_core.nova.http2.client import Http2ModelClient
from agent_core.nova.sdk import SdkModelClient
from agent_core.settings import NovaTransport
from agents.weather.open_meteo import OpenMeteo
from phone_agent.call_control import CallControl
from standins.daily import DailyStandin
from standins.daily.faults import DailyFault
from standins.nova import stream_request
from standins.nova.faults import ModelFault
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.tones import tone_backend
from standins.twilio.server import TwilioExchange
from tests.support.talk import MODEL
from webrtc_agent.daily.api import DailyApi

SECRET = "fake-secret-that-no-line-may-show"
ACCOUNT = "123456789012"
EVENT = b'{"event": {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024}}}}'
ACCESS = "You don't have access to the model with the specified model ID."
DENIED = (
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/task/x is not authorized to perform: bedrock:InvokeModel on resource: "
    f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL} because no identity-based "
    "policy allows the bedrock:InvokeModel action"
)

type Failing = Callable[["Services"], Awaitable[Any]]


@dataclass(frozen=True)
class Given:
    """Fixed keys."""

    access_key: str = "standin"
    secret_key: str = "standin-secret"
    token: str | None = None

    async def frozen(self) -> ReadOnlyCredentials:
        """Return them."""
        return ReadOnlyCredentials(self.access_key, self.secret_key, self.token)


@dataclass(frozen=True)
class Services:
    """The services that reject requests."""

    nova: NovaStandin
    authority: trustme.CA
    """A certificate authority that this process does not trust."""
    transport: NovaTransport

    @property
    def nova_authority(self) -> trustme.CA:
        """The certificate authority that this process trusts."""
        file = self.nova.trust.ca_file
        return trustme.CA.from_pem(file.read_bytes(), file.with_name("ca-key.pem").read_bytes())

    async def model(self, url: str, keys: Any = Given(), model_id: str = MODEL) -> None:  # noqa: ANN401 - a source of keys
        """Open a stream and wait for its headers."""
        kind = SdkModelClient if self.transport is NovaTransport.SDK else Http2ModelClient
        stream = await kind(region="us-east-1", endpoint=url, credentials=keys).open(model_id)
        try:
            await stream.send(EVENT)
            await stream.ready()
        finally:
            await stream.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the stand-in's certificate authority."""
    return tmp_path_factory.mktemp("causes")


@pytest.fixture
async def services(folder: Path, transport: NovaTransport, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """Return the model, trusted by this process, and another certificate authority."""
    async with NovaStandin(NovaSettings(certificates=folder), tone_backend()) as nova:
        monkeypatch.setenv("SSL_CERT_FILE", str(nova.trust.bundle_file))
        yield Services(nova, trustme.CA(), transport)


def refused(kind: str, message: str) -> Failing:
    """Make the model reject a stream in AWS's words."""

    async def fail(services: Services) -> None:
        services.nova.faults.add(ModelFault(on="open", error=kind, message=message))
        await services.model(services.nova.url)

    return fail


@asynccontextmanager
async def server(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Accept connections and never answer; return the port."""
    over = asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    listening = await asyncio.start_server(wait, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        over.set()
        listening.close()


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Make a server's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert(name).configure_cert(context)
    return context


async def unknown_authority(services: Services) -> None:
    """Connect to a server with an untrusted certificate."""
    async with server(certified(services.authority, "localhost")) as port:
        await services.model(f"https://localhost:{port}")


async def another_name(services: Services) -> None:
    """Connect to a server with a valid certificate of another host."""
    async with server(certified(services.nova_authority, "elsewhere.example")) as port:
        await services.model(f"https://localhost:{port}")


async def unknown_name(services: Services) -> None:
    """Connect to a host that no name server knows."""

    def unknown(*_: Any) -> None:  # noqa: ANN401 - any arguments
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)  # tests may not ask a name server
        await services.model("https://bedrock-runtime.nosuch.invalid")


async def silent(services: Services) -> None:
    """Connect to a server that accepts connections and never answers."""
    async with server(certified(services.nova_authority, "localhost")) as port:
        await services.model(f"https://localhost:{port}")


async def clock_ahead(services: Services) -> None:
    """Sign an hour ahead of the service's clock."""

    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ANN401 - of the standard library
            return super().now(tz) - timedelta(hours=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_request, "datetime", Late)
        patch.setattr(stream_request, "formatdate", lambda **_: formatdate(Late.now().timestamp(), usegmt=True))
        await services.model(services.nova.url)


async def keys_from_the_chain(services: Services) -> None:
    """Look for keys as a service does."""
    await services.model(services.nova.url, CredentialSource())


async def half_a_key(services: Services) -> None:
    """Set only one half of a key in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        await keys_from_the_chain(services)


async def twilio(sid: str | None, token: str) -> None:
    """Call Twilio with an account's token."""
    async with TwilioExchange() as exchange:
        auth = (sid or exchange.settings.account_sid, token or exchange.settings.auth_token)
        async with httpx.AsyncClient(base_url=exchange.url, auth=auth, trust_env=False) as client:
            await CallControl(client, auth[0]).hang_up("CA" + "0" * 32)


async def daily(url: str, key: str) -> None:
    """Create a room."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
        await DailyApi(client).create_room("room", 4_000_000_000)


async def wrong_daily_key(_: Services) -> None:
    """Call Daily with a wrong key."""
    async with DailyStandin() as standin:
        await daily(standin.api_url, SECRET)


async def daily_down(_: Services) -> None:
    """Call Daily while it fails."""
    async with DailyStandin() as standin:
        standin.fail(DailyFault(action="status", status=503, times=None))
        await daily(standin.api_url, standin.api_key)


async def weather(status: int, reason: str, key: str | None = None) -> None:
    """Request the weather, and get Open-Meteo's error text."""
    body = json.dumps({"error": True, "reason": reason}).encode()
    refusal = httpx.MockTransport(lambda _: httpx.Response(status, stream=httpx.ByteStream(body)))
    api_key = None if key is None else SecretStr(key)
    async with OpenMeteo(api_key=api_key, client=httpx.AsyncClient(transport=refusal)) as source:
        await source.forecast("Stockholm")


async def weather_over_bad_tls(services: Services) -> None:
    """Request the weather from a server with an untrusted certificate."""
    async with server(certified(services.authority, "localhost")) as port:
        url = f"https://localhost:{port}/v1/search"
        async with OpenMeteo(forecast_url=url, geocoding_url=url) as source:
            await source.forecast("Stockholm")


NOVA = "Amazon Nova Sonic"
KEYS = "correct AWS_ACCESS_KEY_ID; temporary keys need AWS_SESSION_TOKEN too, and some regions must be enabled first"
SIGN_IN = "sign in again (`aws sso login`), or fetch new credentials; an ECS task renews its role's automatically"
TRUST = "if a proxy inspects traffic, name a file with its authority and the public ones in SSL_CERT_FILE"
REGIONS = "us-east-1, us-west-2, eu-north-1 or ap-northeast-1"
MODEL_ADDRESS = "NOVA_SONIC_REGION and AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
TWILIO_KEYS = "TWILIO_ACCOUNT_SID, and TWILIO_API_SID with TWILIO_API_SECRET or TWILIO_AUTH_TOKEN"
TABLE: dict[str, tuple[Failing, str, str]] = {
    "fake keys": (
        lambda services: services.model(services.nova.url, Given("AKIAIOSFODNN7EXAMPLE", SECRET)),
        "invalid_credentials",
        f"AWS does not know the access key; {KEYS}",
    ),
    "wrong secret key": (
        lambda services: services.model(services.nova.url, Given("standin", SECRET)),
        "wrong_secret",
        (
            "the AWS secret key does not belong to the access key; correct AWS_SECRET_ACCESS_KEY; if it is right, "
            "compare this machine's clock with the time"
        ),
    ),
    "half a key": (
        half_a_key,
        "half_credentials",
        (
            "the AWS credentials are incomplete: one half of the key is missing; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, both or neither"
        ),
    ),
    "no keys at all": (
        keys_from_the_chain,
        "no_credentials",
        (
            "no AWS credentials were found; give the task a role, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        ),
    ),
    "expired token": (
        refused("ExpiredTokenException", "The security token included in the request is expired"),
        "expired_credentials",
        f"the AWS credentials have expired; {SIGN_IN}",
    ),
    "clock off by an hour": (
        clock_ahead,
        "clock_skew",
        (
            f"{NOVA} refused the signature: this machine's clock is about 3600 s ahead of the service's; "
            "synchronize this machine's clock (NTP): AWS refuses requests that are 5 minutes off"
        ),
    ),
    "no model access": (
        refused("AccessDeniedException", ACCESS),
        "no_model_access",
        (
            "this AWS account has no access to the model; request access to Nova Sonic in Bedrock's model catalog, in "
            "the model's region, or set NOVA_SONIC_MODEL_ID"
        ),
    ),
    "policy denies": (
        refused("AccessDeniedException", DENIED),
        "access_denied",
        (
            "AWS denied the request: the role or user may not do it; allow bedrock:InvokeModel on the model in its "
            "policy, and look for a deny in the organization's policies"
        ),
    ),
    "wrong region": (
        lambda services: services.model(services.nova.url, model_id="amazon.nova-9-sonic"),
        "no_such_model",
        (
            f"the region does not offer the configured model; set NOVA_SONIC_REGION to {REGIONS}, or "
            "NOVA_SONIC_MODEL_ID to newest"
        ),
    ),
    "retired model": (
        refused("ResourceNotFoundException", "This model version has reached the end of its life. Please refer to …"),
        "model_retired",
        "the model has reached its end of life; set NOVA_SONIC_MODEL_ID to newest",
    ),
    "throttled": (
        refused("ThrottlingException", "Too many requests, please wait before trying again."),
        "throttled",
        (
            f"{NOVA} throttles this account's requests; compare MODEL_STREAMS with the quota of "
            "concurrent requests in Service Quotas, and request more there"
        ),
    ),
    "quota": (
        refused("ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
        "quota",
        (
            f"the account's quota of {NOVA} is used up; request more in Service Quotas, in the model's region, or set "
            "MODEL_STREAMS to the quota"
        ),
    ),
    "DNS": (
        unknown_name,
        "dns",
        "the name bedrock-runtime.nosuch.invalid was not found (DNS); check the network and its name servers, and "
        + MODEL_ADDRESS,
    ),
    "closed port": (
        lambda services: services.model("https://localhost:9"),
        "refused",
        (
            f"localhost refused the connection: nothing listens there; check {MODEL_ADDRESS}, and whether a firewall "
            "rejects the connection"
        ),
    ),
    "unknown authority": (
        unknown_authority,
        "tls_untrusted",
        f"the certificate of localhost comes from an authority that this machine does not trust; {TRUST}",
    ),
    "certificate of another name": (
        another_name,
        "tls_name",
        (
            f"the certificate of localhost is for another name; check {MODEL_ADDRESS}, and look for a proxy that "
            "intercepts the connection"
        ),
    ),
    "timeout": (
        silent,
        "timeout",
        (
            "localhost did not answer in time; check that outgoing connections to port 443 are allowed, then the "
            f"status page of {NOVA}"
        ),
    ),
    "wrong Twilio token": (
        lambda _: twilio(None, SECRET),
        "wrong_credentials",
        f"Twilio does not know the key; correct {TWILIO_KEYS}",
    ),
    "wrong Twilio SID": (
        lambda _: twilio("AC" + "0" * 32, ""),
        "wrong_credentials",
        f"Twilio does not know the key; correct {TWILIO_KEYS}",
    ),
    "wrong Daily key": (wrong_daily_key, "wrong_credentials", "Daily does not know the key; correct DAILY_API_KEY"),
    "Daily down": (
        daily_down,
        "server_error",
        "Daily failed on its side; wait, and check the status page of Daily",
    ),
    "Daily not there": (
        lambda _: daily("http://127.0.0.1:9/v1/", SECRET),
        "refused",
        (
            "127.0.0.1 refused the connection: nothing listens there; check DAILY_API_URL, and whether a firewall "
            "rejects the connection"
        ),
    ),
    "weather 429": (
        lambda _: weather(429, "Daily API request limit exceeded. Please try again tomorrow."),
        "free_limit",
        (
            "Open-Meteo's free service accepts no more requests from this IP address; wait, or set OPEN_METEO_API_KEY: "
            "the free service is for non-commercial use and has daily limits"
        ),
    ),
    "weather without its key": (
        lambda _: weather(401, "API key required. Please add &apikey= to the URL."),
        "wrong_credentials",
        "Open-Meteo does not know the key; correct OPEN_METEO_API_KEY",
    ),
    "wrong weather key": (
        lambda _: weather(400, "The supplied API key is invalid.", SECRET),
        "wrong_credentials",
        "Open-Meteo does not know the key; correct OPEN_METEO_API_KEY",
    ),
    "weather over bad TLS": (
        weather_over_bad_tls,
        "tls_untrusted",
        f"the certificate of localhost comes from an authority that this machine does not trust; {TRUST}",
    ),
}


MODEL_FAILURES = list(TABLE)[: list(TABLE).index("wrong Twilio token")]
CASES = [(failure, NovaTransport.SDK) for failure in TABLE] + [
    (failure, NovaTransport.H2) for failure in MODEL_FAILURES
]


@pytest.mark.parametrize(("failure", "transport"), CASES)
async def test_a_failure_has_its_cause_and_a_remedy(failure: str, services: Services) -> None:
    """Each failure logs one line with cause and remedy, without a key, an account or a telephone number."""
    fail, name, line = TABLE[failure]
    with pytest.raises(AgentError) as caught:
        await fail(services)
    cause = classify(caught.value)
    assert (cause.name, str(cause)) == (name, line)
    assert "\n" not in line
    logged = f"{caught.value.reason} {causes.fields(caught.value)}"
    assert not [word for word in (SECRET, ACCOUNT, "AKIA") if word in logged]


AWS_SAYS = [
    ("AccessDenied", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: sts:Get", "access_denied"),
    ("ExpiredToken", "The security token included in the request is expired", "expired_credentials"),
    ("InvalidClientTokenId", "The security token included in the request is invalid.", "invalid_credentials"),
    ("SignatureDoesNotMatch", "The request signature we calculated does not match the signature…", "wrong_secret"),
    ("SignatureDoesNotMatch", "Signature expired: 20261130T000000Z is now earlier than 20261130T0…", "clock_skew"),
    ("SignatureDoesNotMatch", "Signature not yet current: 20261130T020000Z is still later than 2026…", "clock_skew"),
    ("AccessDeniedException", "Access to this model is denied: the account is not subscribed.", "no_model_access"),
    ("ValidationException", "Operation not allowed", "no_model_access"),
    ("ValidationException", "Could not resolve the foundation model from the model identifier.", "no_such_model"),
]


@pytest.mark.parametrize(("code", "text", "name"), AWS_SAYS)
def test_what_aws_says_through_botocore_is_read_too(code: str, text: str, name: str) -> None:
    """One table maps the errors of both AWS libraries."""
    error = ClientError({"Error": {"Code": code, "Message": text}}, "GetCallerIdentity")
    cause = classify(error, "aws")
    assert cause.name == name
    assert not any(
        letter.isdigit() for letter in f"{cause}".replace("5 minutes", "").replace("-1", "").replace("-2", "")
    )


@pytest.mark.parametrize("cause", causes.every(), ids=lambda cause: cause.name)
def test_every_cause_names_a_step(cause: Cause) -> None:
    """Every cause is a clause and a remedy without a capital at the start, a full stop or a line break."""
    for sentence in (cause.why, cause.remedy):
        assert sentence
        assert not sentence.endswith(".")
        assert "\n" not in sentence
