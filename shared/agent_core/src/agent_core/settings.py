"""What an operator can turn, read once from the environment and ``.env``.

Names that AWS, Daily, Twilio and the first design already use are kept. A service that lacks what it needs
refuses to start with one line that says what to set.
"""

import os
from collections.abc import Iterable
from datetime import UTC, tzinfo
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Self
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

from agent_core import destinations, endpoint, generations, misspelt, voices
from agent_core.destinations import Destination
from agent_core.errors import ConfigurationError

_WEB_ADDRESS: Final[TypeAdapter[HttpUrl]] = TypeAdapter(HttpUrl)
_FILE: Final = ".env"
CALL_STORE_PATTERN: Final = r"^(none|file:.+|dynamodb:[A-Za-z0-9_.-]{3,255})$"
"""``none``, ``file:<folder>`` or ``dynamodb:<table>``."""


class DeploymentEnvironment(StrEnum):
    """Where the service runs; it changes no behaviour, only what logs and metrics are labelled with."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines look: AUTO is TEXT on a terminal and JSON anywhere else."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Sensitivity(StrEnum):
    """How soon the model takes a pause for the end of a turn: HIGH is soonest."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)  # the first needs no file


def _known_zone(name: str) -> str:
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no time zone that this machine knows; one is named as in Europe/Stockholm") from None
    return name


def _web_address(text: str) -> str:
    """Check an address and keep its spelling."""
    normal = str(_WEB_ADDRESS.validate_python(text))
    return text.strip() if text.isascii() else normal


def _networks(text: str) -> str:
    """Check the addresses of proxies: from a name or ``*`` anybody could say who they are."""
    for one in text.split(","):
        try:
            ip_network(one.strip(), strict=False)
        except ValueError:
            raise ValueError("networks as CIDRs, separated by commas, such as 10.0.0.0/16; never *") from None
    return text


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
    """Port to listen on; 0 takes a free one."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Lowest level that is logged. Transcripts appear at DEBUG only."""
    log_format: LogFormat = LogFormat.AUTO
    """How log lines look: ``json``, one object a line with metrics among them; ``text``, columns for a person, no
    metrics; ``auto`` is text on a terminal and JSON anywhere else."""
    environment: DeploymentEnvironment = DeploymentEnvironment.LOCAL
    """Label of logs and metrics."""
    public_base_url: Annotated[str, AfterValidator(_web_address)] = "http://127.0.0.1:7860"
    """How the outside reaches this service. Signatures and stream addresses are made from it, never from Host."""
    forwarded_allow_ips: Annotated[str, AfterValidator(_networks)] = "127.0.0.1"
    """Whose X-Forwarded-For is believed: the load balancer's networks as CIDRs, separated by commas; never ``*``."""

    aws_region: str = "us-east-1"
    """Region of everything but the model."""
    nova_sonic_region: str | None = None
    """Region of the model, where it differs: not every region has it."""
    nova_sonic_overflow_region: str | None = None
    """A second region of the same model, for conversations that begin when the quota of the first is used up. Callers'
    audio is then processed there too. None turns them away instead."""
    model_streams: Annotated[int, Field(ge=1)] | None = None
    """Streams to the model that may be open at once in each of its regions: Bedrock's quota of the account, or the part
    of it that this service may use. One in twenty, and one at least, is kept for conversations that renew theirs. None
    is no limit but ``MAX_SESSIONS``."""
    overflow_streams: Annotated[int, Field(ge=1)] = 2
    """The same in ``NOVA_SONIC_OVERFLOW_REGION``, which has a quota of its own: 2 in many accounts."""
    call_store: Annotated[str, Field(pattern=CALL_STORE_PATTERN)] = "none"
    """Where conversations are remembered while they go on, so that another task can take up one whose task has died:
    ``none``, ``file:<folder>`` (one machine; tasks share an SQLite database there) or ``dynamodb:<table>``. A call is
    sealed with keys from the AuthTokens, a visit with a key that only the visitor's page has. The words are gone when
    the conversation is over, and an hour after the last of them whatever happens. With ``none`` a visitor of the page
    can come back to the same process only. `make run` uses ``file:.run/calls``; in a container the folder must be a
    volume or a tmpfs that the service may write to."""
    aws_endpoint_url_dynamodb: HttpUrl | None = None
    """Another address for DynamoDB, for a VPC endpoint or a stand-in."""
    model_streams_table: Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{3,255}$")] | None = None
    """DynamoDB table in which all tasks of the account count their streams, so that ``MODEL_STREAMS`` holds for all of
    them together; partition key ``pool`` (S). None lets this task use them all."""
    nova_sonic_model_id: Annotated[str, Field(pattern=r"^(newest|arn:.+|[a-z0-9-]+\..+)$")] = "newest"
    """Bedrock model id, or `newest`: `amazon.nova-2-5-sonic` where the region offers it, else the generation before.
    The first generation reached its end of life on 2026-09-14."""
    nova_sonic_voice: str = "matthew"
    """Voice id of the agent. Nova 2 and 2.5 have `matthew`, `tiffany` (US), `amy` (British), `olivia` (Australian),
    `kiara`, `arjun` (Indian), `ambre`, `florian` (French), `beatrice`, `lorenzo` (Italian), `tina`, `lennart` (German),
    `lupe`, `carlos` (Spanish), `carolina` and `leo` (Brazilian). Any other id refuses to start."""
    nova_sonic_voice_unlisted: bool = False
    """Whether NOVA_SONIC_VOICE may be an id that this version does not know: for a voice that AWS has added since."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """Time zone of the agent, such as `Europe/Stockholm`: what it calls today."""
    nova_sonic_endpointing: Sensitivity | None = None
    """How soon a pause ends the caller's turn; None leaves it to the model."""
    nova_sonic_renew_seconds: Annotated[float, Field(ge=3, le=380)] = 360
    """Age from which a stream to the model is replaced in a quiet moment; a quarter later it is replaced anyhow. The
    model ends a stream after 480 seconds."""
    announcements_dir: Path | None = None
    """Your own recordings of what callers hear when the model cannot speak: `hold.wav`, `hold_on.wav`, `look_up.wav`,
    `sorry.wav`, 16-bit mono at any rate, each with its words in a text file (`hold.txt`) for the page's captions. None
    takes those that come with the product."""
    idle_prompt_seconds: Annotated[float, Field(ge=0, le=600)] = 30
    """Silence of both sides after which the agent asks whether the caller is still there, and after as much again says
    goodbye. 0 never asks."""
    aws_endpoint_url_bedrock_runtime: HttpUrl | None = None
    """Another address for Bedrock, for a VPC endpoint or a stand-in. Without it botocore's rules decide, by
    `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`, `AWS_ENDPOINT_URL` and the shared configuration file."""

    open_meteo_api_key: SecretStr | None = None
    """Key of an Open-Meteo customer; with it the hosts for customers are asked. The free service, which needs none, is
    for non-commercial use and takes 600 requests a minute, 5 000 an hour and 10 000 a day from one IP address."""
    open_meteo_forecast_url: HttpUrl = HttpUrl("https://api.open-meteo.com/v1/forecast")
    """Forecast service."""
    open_meteo_geocoding_url: HttpUrl = HttpUrl("https://geocoding-api.open-meteo.com/v1/search")
    """Place-name service."""

    transfer_destinations: Annotated[tuple[Destination, ...], NoDecode, BeforeValidator(_destinations)] = ()
    """People the agent may bring in: ``name=sip:…``, ``name=tel:+…`` or ``name=client:…``, separated by commas,
    the one for key 0 first. Up to three addresses of a name, separated by ``|``, are tried in order. The agent knows
    the names only; with none it has no such tool. Premium-rate numbers are refused."""

    max_sessions: Annotated[int, Field(ge=1, le=1000)] = 30
    """Conversations at once in this task. One core carries 30 (docs/reference/performance.md), and one process uses one
    core."""
    max_loop_lag_ms: Annotated[float, Field(ge=0, le=10_000)] = 100
    """Milliseconds by which the event loop may wake up late. If it is later in three of five seconds, the task takes no
    new conversation until it has been below half of it for five seconds, or for a minute. 0 never refuses."""
    max_call_seconds: Annotated[int, Field(ge=10, le=14400)] = 1800
    """Longest conversation; an abandoned call must not cost money for ever."""
    drain_seconds: Annotated[int, Field(ge=0, le=115)] = 110
    """How long a stopping task lets conversations finish. Fargate kills it at 120 s."""

    metrics_namespace: Annotated[str, Field(pattern="^[A-Za-z0-9._/#:-]{1,255}$")] = "VoiceAgent"
    """CloudWatch namespace. Two environments in one account and region need two."""
    metrics_interval_seconds: Annotated[float, Field(ge=0.1, le=60)] = 30
    """How often metrics are written; `FreeSlots` is written every 10 seconds in any case."""
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """Where traces go, as OTLP over HTTP; none are made without it. OpenTelemetry's own ``OTEL_…`` variables, such as
    ``OTEL_EXPORTER_OTLP_HEADERS``, hold too."""

    speech_input_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.0034
    """US dollars for 1 000 tokens of what the caller says. These four are estimates from above, the dearer of Nova
    Sonic and Nova 2 Sonic in US East in 2025; AWS announced Nova 2.5 Sonic at the price of Nova 2 Sonic. Compare them
    with the price list of your region."""
    text_input_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.00033
    """US dollars for 1 000 tokens of prompt, history and tool results."""
    speech_output_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.0136
    """US dollars for 1 000 tokens of what the agent says."""
    text_output_usd_per_1k_tokens: Annotated[float, Field(ge=0)] = 0.00275
    """US dollars for 1 000 tokens of what the agent writes."""
    daily_budget_usd: Annotated[float | None, Field(gt=0)] = None
    """US dollars for the model after which this task takes no new conversation until midnight UTC; those that go on go
    on. Counted by each task for itself and forgotten when it ends: a brake, no bill."""

    @property
    def table_endpoint(self) -> str | None:
        """Base URL of DynamoDB, where it is not AWS's own."""
        return str(self.aws_endpoint_url_dynamodb).rstrip("/") if self.aws_endpoint_url_dynamodb else None

    @property
    def zone(self) -> tzinfo:
        """Time zone of the agent."""
        return _zone(self.time_zone)

    @property
    def model_region(self) -> str:
        """Region in which the model is asked."""
        return self.nova_sonic_region or self.aws_region

    @property
    def model_regions(self) -> list[str]:
        """Regions in which the model is asked, the first one first."""
        return [region for region in (self.model_region, self.nova_sonic_overflow_region) if region]

    @property
    def model_id(self) -> str:
        """Bedrock id of the model that is asked."""
        return generations.model_for(self.nova_sonic_model_id, self.model_region)

    @model_validator(mode="after")
    def _region_has_a_model(self) -> Self:
        """Refuse to start where no call could be answered.

        Raises:
            ConfigurationError: the region offers no generation of the model.
        """
        model_id = self.model_id
        overflow = self.nova_sonic_overflow_region
        if overflow is not None and overflow == self.model_region:
            raise ValueError("NOVA_SONIC_OVERFLOW_REGION: it must be another region than the model's first")
        if overflow is not None and generations.model_for(self.nova_sonic_model_id, overflow) != model_id:
            raise ValueError(f"NOVA_SONIC_OVERFLOW_REGION: {overflow} offers no {model_id}")
        if overflow is not None and self.model_streams is None:
            raise ValueError("MODEL_STREAMS: set it; without a limit of the first region nothing overflows")
        if self.model_streams_table is not None and self.model_streams is None:
            raise ValueError("MODEL_STREAMS: set it to the quota that the tasks of MODEL_STREAMS_TABLE share")
        return self

    @model_validator(mode="after")
    def _model_has_the_voice(self) -> Self:
        """Refuse to start where the model would refuse each call.

        Raises:
            ConfigurationError: the model has no such voice.
        """
        if not self.nova_sonic_voice_unlisted:
            voices.check(self.nova_sonic_voice, self.model_id)
        return self

    @property
    def overflow_endpoint(self) -> str:
        """Base URL of Bedrock's runtime in the second region, which must be set.

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
        """``public_base_url`` as browsers and Twilio are given it: host in lower case, no slash at its end."""
        return str(_WEB_ADDRESS.validate_python(self.public_base_url)).rstrip("/")

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: something is missing or wrong; the text names the variable. A name in ``.env`` that is
                nearly a setting is wrong too: it would be ignored.
        """
        in_file = (name.upper() for name in DotEnvSettingsSource(cls).env_vars)
        if problems := [f"{name} is not a setting; write {near}" for name, near in cls._misspelt(in_file)]:
            raise ConfigurationError(f"{_FILE}: {'; '.join(problems)}")
        try:
            return cls()
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None

    @classmethod
    def misspelt(cls) -> list[tuple[str, str]]:
        """Return the variables of the environment that are nearly settings, each with its setting.

        They do not keep a service from its start, unlike those of ``.env``: the environment belongs to the platform
        too, and a name that it adds must not stop a deployment.
        """
        return cls._misspelt(os.environ)

    @classmethod
    def _misspelt(cls, given: Iterable[str]) -> list[tuple[str, str]]:
        return list(misspelt.find(given, {name.upper() for name in cls.model_fields}).items())


def variables_of_file(path: Path) -> dict[str, str]:
    """Return what an ``.env`` sets, as the services read it: names in capitals, and nothing that is empty."""
    read = DotEnvSettingsSource(CoreSettings, env_file=path).env_vars
    return {name.upper(): value for name, value in read.items() if value}


def _explain(error: ValidationError) -> str:
    """Say in one line which variables to mend; never shows a value, for it may be a secret."""
    problems = []
    for issue in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in issue["loc"]).upper() or "SETTINGS"
        why = issue["msg"].removeprefix("Value error, ")
        problems.append(f"set {name}" if issue["type"] == "missing" else f"{name}: {why}")
    return "; ".join(problems)
