"""What `voice-agent run` starts: both services, the edge before them, and stand-ins. Pure.

The environment and ``.env`` decide for each system. A system is real if they name its credentials. The plan looks
nowhere else, so that a forgotten AWS profile cannot make a demo cost money; ``NOVA=bedrock`` permits this, with the
credentials that the default AWS chain finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from voice_agent.run import systems
from voice_agent.run.listed_agents import ListedAgent, listed_agents
from voice_agent.run.parts import Part, Program, Secrets, System, Wishes

_DRAIN_SECONDS = "10"
"""Shorter than in a deployment, because a person waits after Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start: first all stand-ins at once, then the services, then the edge."""

    standins: Sequence[Program]
    agents: Sequence[Program]
    edge: Program
    parts: Sequence[Part]
    base_url: str
    state: Mapping[str, object]
    """What other programs can read while it runs; see `voice_agent.run.state`."""
    speakers: Sequence[ListedAgent] = ()
    """The agents that answer."""

    @property
    def speech_is_real(self) -> bool:
        """Whether speech costs money."""
        return any(part.real for part in self.parts if part.name == "speech")

    @property
    def programs(self) -> list[Program]:
        """All programs in starting order."""
        return [*self.standins, *self.agents, self.edge]


def agents_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder with the agents: ``AGENTS_DIR``, ``agents`` in the working directory, or the checkout's."""
    if chosen := environment.get("AGENTS_DIR"):
        return Path(chosen).absolute()
    here = Path("agents").absolute()
    return here if here.is_dir() else Path(__file__).parents[4] / "agents"


def make_plan(
    environment: Mapping[str, str], wishes: Wishes, secrets: Secrets, folder: Path, *, live_weather: bool
) -> Plan:
    """Decide which systems are real.

    Args:
        environment: The variables of the process and of ``.env``.
        wishes: The options.
        secrets: Credentials for the stand-ins.
        folder: ``.run``, for logs and certificates.
        live_weather: Whether Open-Meteo answers.

    Raises:
        MisconfiguredError: Only half of a key is set.
    """
    agents = agents_folder(environment)
    nova = systems.nova(environment, wishes, secrets, folder, agents)
    twilio = systems.twilio(environment, wishes, secrets)
    daily = systems.daily(environment, wishes, secrets)
    weather = systems.weather(environment, wishes, live=live_weather)
    people = systems.people(environment, wishes, real_telephone=twilio.part.real)
    desk = systems.desk(environment, wishes, agents)
    desks = [] if desk is None else [desk]
    every = (nova, twilio, daily, weather, people, *desks)
    local = f"http://127.0.0.1:{wishes.ports.edge}"
    base_url = environment["PUBLIC_BASE_URL"].rstrip("/") if twilio.part.real else local
    # As in the cloud, calls and visits survive a restart: the service resumes those that it lost.
    remembered = {"CALL_STORE": f"file:{folder / 'calls'}", "AGENTS_DIR": str(agents)}
    phone = _agent(
        remembered | _without(environment, "DAILY_", "CALL_ME_"),
        "phone-agent",
        wishes.ports.phone,
        base_url,
        (nova, twilio, weather, people, *desks),
    )
    web = _agent(
        remembered
        | {"SERVE_CONSOLE": "true"}
        | _origins(base_url, wishes.ports.edge)
        | _without(environment, "TWILIO_")
        | systems.call_me(environment, twilio),
        "webrtc-agent",
        wishes.ports.web,
        base_url,
        (nova, daily, weather, people, *desks),
    )
    plan = Plan(
        standins=[system.program for system in every if system.program is not None],
        agents=[phone, web],
        edge=_edge(environment, wishes),
        parts=[*_doors(base_url, wishes.ports.edge), *(one.part for one in every)],
        base_url=base_url,
        speakers=listed_agents(agents_folder(environment)),
        state={"base_url": base_url},
    )
    logs = {one.name: f"{folder.name}/{one.name}.jsonl" for one in plan.programs}
    states = {
        "nova": nova.state,
        "twilio": twilio.state,
        "daily": daily.state,
        "weather": weather.state,
        "people": people.state,
        **({} if desk is None else {"desk": desk.state}),
    }
    return replace(plan, state={**plan.state, **states, "logs": logs})


def wants_weather_probe(environment: Mapping[str, str], wishes: Wishes) -> bool:
    """Return whether the plan depends on an answer of the live weather service."""
    chosen = {"OPEN_METEO_FORECAST_URL", "OPEN_METEO_API_KEY"} & environment.keys()
    return wishes.weather == "auto" and not chosen


def _doors(base_url: str, port: int) -> list[Part]:
    return [
        Part("page", "webrtc-agent, on this machine", f"http://localhost:{port}", real=True),
        Part("calls", "phone-agent, on this machine", f"{base_url}/incoming-call", real=True),
        Part("edge", "stand-in for the load balancer", f"http://127.0.0.1:{port}", real=False),
    ]


def _origins(base_url: str, port: int) -> dict[str, str]:
    """Allow the page on this machine even if its public URL is another."""
    # The service accepts its own public origin without this setting.
    if base_url == f"http://127.0.0.1:{port}":
        return {}
    return {"ALLOWED_ORIGINS": ",".join(f"http://{host}:{port}" for host in ("localhost", "127.0.0.1"))}


def _agent(environment: Mapping[str, str], name: str, port: int, base_url: str, used: Sequence[System]) -> Program:
    if any(setting.startswith("AWS_") for setting in used[0].settings):
        # The credential chain must find only the stand-in's keys.
        environment = _without(environment, "AWS_") | {"AWS_REGION": environment.get("AWS_REGION", "us-east-1")}
    return Program(
        name=name,
        module=name.replace("-", "_"),
        arguments=(),
        environment={
            "DRAIN_SECONDS": _DRAIN_SECONDS,
            "ENVIRONMENT": "local",
            "AWS_REGION": "us-east-1",
            **environment,
            # The plan's own values come last: a setting of the developer must not move a port or a system.
            "HOST": "127.0.0.1",
            "FAST_API_PORT": str(port),
            "PUBLIC_BASE_URL": base_url,
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
            **{setting: value for system in used for setting, value in system.settings.items()},
        },
        health=f"http://127.0.0.1:{port}/health",
        ports=(port,),
        # Longer than the drain, so that the service ends its calls before it is killed.
        stop_seconds=float(environment.get("DRAIN_SECONDS", _DRAIN_SECONDS)) + 5,
    )


def _edge(environment: Mapping[str, str], wishes: Wishes) -> Program:
    ports = wishes.ports
    return Program(
        name="edge",
        module="standins.edge",
        arguments=(
            *("--port", str(ports.edge)),
            *("--target", f"PhoneTargetGroup=127.0.0.1:{ports.phone}"),
            *("--target", f"WebTargetGroup=127.0.0.1:{ports.web}"),
        ),
        environment=systems.without_secrets(environment),
        health=f"http://127.0.0.1:{ports.edge}/health",  # the web service's: it answers when the whole chain works
        ports=(ports.edge,),
    )


def _without(environment: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(prefixes)}
