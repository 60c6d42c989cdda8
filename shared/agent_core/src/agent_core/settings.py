"""Read the operator's settings once from the environment and ``.env``.

Names used by AWS, Daily, Twilio and the first design are kept. A service that lacks a required setting refuses to
start, with one line that says what to set.
"""

import os
import re
from collections.abc import Container, Iterable
from datetime import UTC, tzinfo
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from agent_core import agent_variables, destinations, endpoint, generations, misspelt, voices
from agent_core.destinations import Destination
from agent_core.errors import ConfigurationError

_WEB_ADDRESS: Final[TypeAdapter[HttpUrl]] = TypeAdapter(HttpUrl)
_FILE: Final = ".env"
RENAMED: Final = {
    "PHRASES_FOLDER": "ANNOUNCEMENTS_DIR",
    "MAX_SPEND_PER_DAY": "DAILY_BUDGET_USD",
    "METRICS_SECONDS": "METRICS_INTERVAL_SECONDS",
    "CALLBACK_URL": "CALLBACK_REQUEST_URL",
    "PRICE_SPEECH_INPUT": "SPEECH_INPUT_USD_PER_1K_TOKENS",
    "PRICE_TEXT_INPUT": "TEXT_INPUT_USD_PER_1K_TOKENS",
    "PRICE_SPEECH_OUTPUT": "SPEECH_OUTPUT_USD_PER_1K_TOKENS",
    "PRICE_TEXT_OUTPUT": "TEXT_OUTPUT_USD_PER_1K_TOKENS",
    "STARTS_PER_MINUTE": "RATE_LIMIT_STARTS_PER_MINUTE",
    "STARTS_PER_MINUTE_PER_ADDRESS": "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS",
    "REQUESTS_PER_MINUTE_PER_ADDRESS": "RATE_LIMIT_REQUESTS_PER_MINUTE_PER_ADDRESS",
}
"""Settings by their former names, which are read until version 0.11, with a warning."""
CALL_STORE_PATTERN: Final = r"^(none|file:.+|dynamodb:[A-Za-z0-9_.-]{3,255})$"
"""``none``, ``file:<folder>`` or ``dynamodb:<table>``."""


class DeploymentEnvironment(StrEnum):
    """Where the service runs; changes only the labels of logs and metrics."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """Format of log lines: AUTO is TEXT on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Sensitivity(StrEnum):
    """How soon the model takes a pause for the end of a turn: HIGH is soonest."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class NovaTransport(StrEnum):
    """What carries the model's streams."""

    SDK = "sdk"
    H2 = "h2"


def zone_named(name: str) -> tzinfo:
    """Return a time zone by its name, such as ``Europe/Stockholm``."""
    return UTC if name == "UTC" else ZoneInfo(name)  # UTC needs no time-zone file


def known_zone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        zone_named(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("unknown time zone; use a name such as Europe/Stockholm") from None
    return name


def web_address(text: str) -> str:
    """Validate a URL and keep its spelling."""
    normal = str(_WEB_ADDRESS.validate_python(text))
    return text.strip() if text.isascii() else normal


def _networks(text: str) -> str:
    """Validate the proxies' networks: with a name or ``*``, any client could forge its address."""
    for one in text.split(","):
        try:
            ip_network(one.strip(), strict=False)
        except ValueError:
            raise ValueError("networks as CIDRs, separated by commas, such as 10.0.0.0/16; never *") from None
    return text


def _places(value: object) -> object:
    """Return ``host:port`` of each entry."""
    if not isinstance(value, str):
        return value
    found = [one.strip().lower() for one in value.split(",") if one.strip()]
    # A host without a port, or a pattern, would allow more than one server.
    if any(not re.fullmatch(r"(?:[a-z0-9][a-z0-9.-]{0,252}|\[[0-9a-f:]+\]):[0-9]{1,5}", one) for one in found):
        raise ValueError("host:port of each server, separated by commas, such as 127.0.0.1:8449")
    return tuple(one.replace("[", "").replace("]", "") for one in found)


def _checked_variables(value: str) -> str:
    agent_variables.parse(value)
    return value


def _checked_secrets(value: SecretStr) -> SecretStr:
    agent_variables.parse(value.get_secret_value())
    return value


def _destinations(value: object) -> object:
    return destinations.parse(value) if isinstance(value, str) else value


class CoreSettings(BaseSettings):
    """Settings that both services share."""

    model_config = SettingsConfigDict(
        env_file=_FILE, frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    host: str = "0.0.0.0"  # noqa: S104 - a container listens to its load balancer
    """Address to listen on."""
    fast_api_port: Annotated[int, Field(ge=0, le=65535)] = 7860
    """Port to listen on; 0 picks a free one."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Lowest level that is logged. Transcripts appear only at DEBUG."""
    log_format: LogFormat = LogFormat.AUTO
    """Format of log lines: ``json``, one object per line, with metrics among them; ``text``, readable columns without
    metrics; ``auto``, text on a terminal and JSON elsewhere.
    """
    environment: DeploymentEnvironment = DeploymentEnvironment.LOCAL
    """Label of logs and metrics."""
    public_base_url: Annotated[str, AfterValidator(web_address)] = "http://127.0.0.1:7860"
    """Public URL of this service. Used to verify signatures and build stream URLs; the Host header is ignored."""
    forwarded_allow_ips: Annotated[str, AfterValidator(_networks)] = "127.0.0.1"
    """Proxies whose X-Forwarded-For header is trusted: the load balancer's networks as comma-separated CIDRs; never
    ``*``.
    """

    aws_region: str = "us-east-1"
    """Region of everything except the model."""
    nova_sonic_region: str | None = None
    """Region of the model, if different: not every region offers it."""
    nova_sonic_overflow_region: str | None = None
    """A second region of the same model, for conversations that start when the quota of the first is used up. Callers'
    audio is then processed there too. None rejects these conversations instead.
    """
    model_streams: Annotated[int, Field(ge=1)] | None = None
    """Most concurrent streams to the model in each of its regions: the account's Bedrock quota, or this service's share
    of it. One in twenty, and at least one, is reserved for conversations that renew their stream. None sets no limit
    except ``MAX_SESSIONS``.
    """
    overflow_streams: Annotated[int, Field(ge=1)] = 2
    """The same for ``NOVA_SONIC_OVERFLOW_REGION``, which has its own quota: 2 in many accounts."""
    call_store: Annotated[str, Field(pattern=CALL_STORE_PATTERN)] = "none"
    """Where active conversations are stored, so that another task can resume one whose task has died: ``none``,
    ``file:<folder>`` (one machine; tasks share an SQLite database there) or ``dynamodb:<table>``. A call is
    encrypted with keys derived from the AuthTokens, a visit with a key that only the visitor's page has. The
    words are deleted when the conversation is over, and an hour after the last of them in any case. With
    ``none``, a visitor of the page can return to the same process only. `make run` uses ``file:.run/calls``; in
    a container the folder must be a volume or a tmpfs that the service may write to.
    """
    aws_endpoint_url_dynamodb: HttpUrl | None = None
    """Another endpoint for DynamoDB, for a VPC endpoint or a stand-in."""
    model_streams_table: Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{3,255}$")] | None = None
    """DynamoDB table in which all tasks of the account count their streams, so that ``MODEL_STREAMS`` limits all of
    them together; partition key ``pool`` (S). With None, this task may use all streams.
    """
    nova_sonic_model_id: Annotated[str, Field(pattern=r"^(newest|arn:.+|[a-z0-9-]+\..+)$")] = "newest"
    """Bedrock model id, or `newest`: `amazon.nova-2-5-sonic` if the region offers it, else the generation before. The
    first generation reached its end of life on 2026-09-14.
    """
    nova_sonic_voice: str = "matthew"
    """Voice id of the agent. Nova 2 and 2.5 have `matthew`, `tiffany` (US), `amy` (British), `olivia` (Australian),
    `kiara`, `arjun` (Indian), `ambre`, `florian` (French), `beatrice`, `lorenzo` (Italian), `tina`, `lennart` (German),
    `lupe`, `carlos` (Spanish), `carolina` and `leo` (Brazilian). With any other id the service refuses to start.
    """
    nova_sonic_voice_unlisted: bool = False
    """Whether NOVA_SONIC_VOICE may be an id unknown to this version, for a voice that AWS added later."""
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    """Time zone of the agent, such as `Europe/Stockholm`; defines the agent's current date."""
    nova_sonic_endpointing: Sensitivity | None = None
    """How soon a pause ends the caller's turn; None uses the model's default."""
    nova_sonic_renew_seconds: Annotated[float, Field(ge=3, le=380)] = 360
    """Age at which a stream to the model is replaced in a quiet moment; 25 % later it is replaced in any case. The
    model ends a stream after 480 seconds.
    """
    announcements_dir: Path | None = None
    """Folder with your own announcements for when the model cannot speak: `hold.wav`, `hold_on.wav`, `look_up.wav`,
    `sorry.wav`, 16-bit mono at any rate, each with its words in a text file (`hold.txt`) for the page's captions; or
    such a folder for each language (`fr/hold.wav`). None uses the product's recordings.
    """
    idle_prompt_seconds: Annotated[float, Field(ge=0, le=600)] = 30
    """Silence of both sides after which the agent asks whether the caller is still there, and after the same time again
    says goodbye. 0 disables this.
    """
    aws_endpoint_url_bedrock_runtime: HttpUrl | None = None
    """Another endpoint for Bedrock, for a VPC endpoint or a stand-in. Without it botocore's rules apply:
    `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, `AWS_ENDPOINT_URL` and the shared configuration file.
    """

    nova_transport: NovaTransport = NovaTransport.SDK
    """What carries the streams to the model: `sdk`, the AWS SDK for Python; or `h2`, our own HTTP/2 on the event loop,
    which costs less processor time and memory. If the first streams of a process fail in a way that the SDK's might
    not, it uses the SDK, with the warning `model_transport_given_up`.
    """

    agents_dir: Path = Path("agents")
    """Folder with the agents: one folder each, see `docs/howto/write-an-agent.md`. Changes apply from the next
    conversation.
    """

    agent_variables: Annotated[str, AfterValidator(_checked_variables)] | None = None
    """Variables of ``environment`` in ``agent.yaml``, as a JSON object of texts, such as
    ``{"DESK_URL": "https://desk.example.com/mcp"}``: a deployment sets this one instead of each of them. A variable of
    the same name in the environment or ``.env`` wins.
    """
    agent_secrets: Annotated[SecretStr, AfterValidator(_checked_secrets)] | None = None
    """The same for ``secrets`` and ``optional_secrets`` of ``agent.yaml``; wins over ``AGENT_VARIABLES``."""

    tool_private_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_places)] = ()
    """Servers with a private address to which an agent's ``http`` and ``mcp`` tools may connect, without TLS too:
    ``host:port``, separated by commas, such as ``127.0.0.1:8449`` for a stand-in. Without an entry, tools connect only
    to public addresses, by https.
    """

    transfer_destinations: Annotated[tuple[Destination, ...], NoDecode, BeforeValidator(_destinations)] = ()
    """People the agent may connect: ``name=sip:…``, ``name=tel:+…`` or ``name=client:…``, separated by commas. Pressing
    0 calls the first entry. Up to three addresses of one name, separated by ``|``, are tried in order. The agent knows
    only the names; with no entries, transfers are disabled. Premium-rate numbers are refused.
    """

    max_sessions: Annotated[int, Field(ge=1, le=1000)] = 30
    """Concurrent conversations in this task. One core carries 30 (docs/reference/performance.md), and one process uses
    one core.
    """
    max_loop_lag_ms: Annotated[float, Field(ge=0, le=10_000)] = 100
    """Milliseconds by which the event loop may wake up late. If it is later in three of five seconds, the task rejects
    new conversations until the delay has been below half of this for five seconds, or for a minute. 0 disables this.
    """
    max_call_seconds: Annotated[int, Field(ge=10, le=14400)] = 1800
    """Longest conversation; limits the cost of an abandoned call."""
    drain_seconds: Annotated[int, Field(ge=0, le=115)] = 110
    """How long a stopping task lets conversations finish. Fargate kills it at 120 s."""

    metrics_namespace: Annotated[str, Field(pattern="^[A-Za-z0-9._/#:-]{1,255}$")] = "VoiceAgent"
    """CloudWatch namespace. Two environments in one account and region need different namespaces."""
    metrics_interval_seconds: Annotated[float, Field(ge=0.1, le=60)] = 30
    """Interval at which metrics are written; `FreeSlots` is written every 10 seconds in any case."""
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """Endpoint for traces, as OTLP over HTTP; without it none are made. OpenTelemetry's own ``OTEL_…`` variables, such
    as ``OTEL_EXPORTER_OTLP_HEADERS``, apply too.
    """

    speech_input_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.0034
    """US dollars per 1 000 tokens of the caller's speech. These four are upper estimates, the more expensive of Nova
    Sonic and Nova 2 Sonic in US East in 2025; AWS announced Nova 2.5 Sonic at the price of Nova 2 Sonic. Compare them
    with the price list of your region.
    """
    text_input_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.00033
    """US dollars per 1 000 tokens of prompt, history and tool results."""
    speech_output_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.0136
    """US dollars per 1 000 tokens of the agent's speech."""
    text_output_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.00275
    """US dollars per 1 000 tokens of the agent's text."""
    daily_budget_usd: Annotated[float | None, Field(gt=0)] = None
    """US dollars for the model after which this task rejects new conversations until midnight UTC; active ones
    continue. Per task and in memory only: a safety limit, not billing.
    """

    @property
    def table_endpoint(self) -> str | None:
        """Base URL of DynamoDB, if it is not AWS's own."""
        return str(self.aws_endpoint_url_dynamodb).rstrip("/") if self.aws_endpoint_url_dynamodb else None

    @property
    def zone(self) -> tzinfo:
        """Time zone of the agent."""
        return zone_named(self.time_zone)

    @property
    def model_region(self) -> str:
        """Region in which the model is used."""
        return self.nova_sonic_region or self.aws_region

    @property
    def model_regions(self) -> list[str]:
        """Regions in which the model is used, the primary one first."""
        return [region for region in (self.model_region, self.nova_sonic_overflow_region) if region]

    @property
    def model_id(self) -> str:
        """Bedrock id of the model."""
        return generations.model_for(self.nova_sonic_model_id, self.model_region)

    @model_validator(mode="after")
    def _region_has_a_model(self) -> Self:
        """Refuse to start if no call could be answered.

        Raises:
            ConfigurationError: the region offers no generation of the model.
        """
        model_id = self.model_id
        overflow = self.nova_sonic_overflow_region
        if overflow is not None and overflow == self.model_region:
            raise ValueError("NOVA_SONIC_OVERFLOW_REGION: it must differ from the model's primary region")
        # A conversation may renew its stream in either region, so both must offer the same model.
        if overflow is not None and generations.model_for(self.nova_sonic_model_id, overflow) != model_id:
            raise ValueError(f"NOVA_SONIC_OVERFLOW_REGION: {overflow} does not offer {model_id}")
        if overflow is not None and self.model_streams is None:
            raise ValueError("MODEL_STREAMS: set it; without a limit for the primary region nothing overflows")
        if self.model_streams_table is not None and self.model_streams is None:
            raise ValueError("MODEL_STREAMS: set it to the quota that the tasks of MODEL_STREAMS_TABLE share")
        return self

    @model_validator(mode="after")
    def _model_has_the_voice(self) -> Self:
        """Refuse to start if the model would reject each call.

        Raises:
            ConfigurationError: the model has no such voice.
        """
        if not self.nova_sonic_voice_unlisted:
            voices.check(self.nova_sonic_voice, self.model_id)
        return self

    @property
    def overflow_endpoint(self) -> str:
        """Base URL of Bedrock's runtime in the overflow region, which must be set.

        Raises:
            ConfigurationError: the region has no such endpoint.
        """
        return endpoint.resolve(self.nova_sonic_overflow_region or self.model_region)

    @property
    def model_endpoint(self) -> str:
        """Base URL of Bedrock's runtime, see ``endpoint``.

        Raises:
            ConfigurationError: the region has no such endpoint.
        """
        given = self.aws_endpoint_url_bedrock_runtime
        return endpoint.resolve(self.model_region, None if given is None else str(given))

    @property
    def base_url(self) -> str:
        """``public_base_url`` in the form sent to browsers and Twilio: host in lower case, no trailing slash."""
        return str(_WEB_ADDRESS.validate_python(self.public_base_url)).rstrip("/")

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: a setting is missing or invalid; the text names the variable. A misspelled setting in
                ``.env`` is an error too, because it would be ignored.
        """
        in_file = [name.upper() for name in DotEnvSettingsSource(cls).env_vars]
        if problems := [f"{name} is not a setting; write {near}" for name, near in cls._misspelt(in_file)]:
            raise ConfigurationError(f"{_FILE}: {'; '.join(problems)}")
        try:
            return cls(**cls._renamed())
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None

    @classmethod
    def misspelt(cls) -> list[tuple[str, str]]:
        """Return the environment variables that are probably misspelled settings, each with the setting.

        They do not prevent the start, unlike those in ``.env``: the platform also sets variables, and a name that it
        adds must not stop a deployment.
        """
        return cls._misspelt(os.environ)

    @classmethod
    def renamed(cls) -> list[tuple[str, str]]:
        """Return the former names of settings that are in use, each with its new name."""
        return cls._renamed_among(cls._given())

    @classmethod
    def _renamed(cls) -> dict[str, Any]:
        """Return the values of settings that only their former names set, by field."""
        given = cls._given()
        return {new.lower(): given[old] for old, new in cls._renamed_among(given) if new not in given}

    @classmethod
    def _renamed_among(cls, given: Container[str]) -> list[tuple[str, str]]:
        return [(old, new) for old, new in RENAMED.items() if old in given and new.lower() in cls.model_fields]

    @classmethod
    def _given(cls) -> dict[str, str]:
        """Return what the environment and ``.env`` set; the environment wins."""
        in_file = {name.upper(): value for name, value in DotEnvSettingsSource(cls).env_vars.items() if value}
        return in_file | {name: value for name, value in os.environ.items() if value}

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return all variables for the tools of agents.

        They are those of the environment, which wins, of ``.env``, and in ``AGENT_VARIABLES`` and ``AGENT_SECRETS``.
        One that is set to nothing hides the one in ``.env``, as `make run` does to keep an account's key from a
        stand-in.
        """
        in_file = {name.upper(): value or "" for name, value in DotEnvSettingsSource(cls).env_vars.items()}
        given = in_file | dict(os.environ)
        plain, secret = (agent_variables.parse(given.get(each, "")) for each in ("AGENT_VARIABLES", "AGENT_SECRETS"))
        return plain | secret | given

    @classmethod
    def _misspelt(cls, given: Iterable[str]) -> list[tuple[str, str]]:
        # A former name may resemble its new one. It is read, and `renamed` reports it.
        names = [name for name in given if name.upper() not in RENAMED]
        return list(misspelt.find(names, {name.upper() for name in cls.model_fields}).items())


def variables_of_file(path: Path) -> dict[str, str]:
    """Return the variables of an ``.env`` file as the services read them: names in upper case, empty values omitted."""
    read = DotEnvSettingsSource(CoreSettings, env_file=path).env_vars
    return {name.upper(): value for name, value in read.items() if value}


def _explain(error: ValidationError) -> str:
    """Return one line that says which variables to fix; never shows a value, because it may be a secret."""
    problems = []
    # All problems in one line, so that the operator can fix them in one go.
    for issue in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in issue["loc"]).upper() or "SETTINGS"
        why = issue["msg"].removeprefix("Value error, ")
        problems.append(f"set {name}" if issue["type"] == "missing" else f"{name}: {why}")
    return "; ".join(problems)
