"""Which stacks there are, in the order in which they stand on each other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deployment import sizes
from deployment.errors import UsageError
from deployment.nearest import meant
from deployment.target_environment import CHOICES, TargetEnvironment
from deployment.template import StackTemplate

SERVICES = sizes.SERVICES
"""Both; an environment may have one of them only, see `Environment.services`."""
_APPLICATION: Final = {"Application": "pipecat-voice-agent"}
_SHARED: Final = {**_APPLICATION, "Environment": "shared"}
"""Of the registry: it would otherwise be tagged anew by each environment that deploys it."""
_TAG_VALUE: Final = re.compile(r"[\w.:/=+@-]{1,256}")


@dataclass(frozen=True)
class Stack:
    """One stack: a template under a name."""

    name: str
    template: StackTemplate
    own: Mapping[str, str] = field(default_factory=dict)
    """Parameters that only this stack gets."""
    service: str = ""
    """Whose tasks it runs, if it runs any."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What every resource of it is tagged with."""

    @property
    def last(self) -> str:
        """What its name ends in: `pipecat-test-phone-alarms` is `phone-alarms`."""
        return self.name.split("-", 2)[-1]

    def parameters(self, environment: TargetEnvironment, found: Mapping[str, str]) -> dict[str, str]:
        """Tell its template's parameters: from the environment's file, what was found on the way, and its own."""
        given = {**sizes.of(self.own.get("ServiceName", ""), environment.parameters), **found, **self.own}
        return {name: given[name] for name in sorted(self.template.parameters) if name in given}


@dataclass(frozen=True)
class Stacks:
    """All stacks of an environment."""

    registry: Stack
    foundation: tuple[Stack, ...]
    """Network to load balancer: what has to stand before a service can."""
    guards: tuple[Stack, ...]
    """The alarms that roll a service back, which it names."""
    services: tuple[Stack, ...]
    watch: tuple[Stack, ...]
    """Scaling, alarms, events and dashboard: what needs the services."""

    @property
    def all(self) -> tuple[Stack, ...]:
        """Every stack, each after those it stands on."""
        return (self.registry, *self.foundation, *self.guards, *self.services, *self.watch)

    def __getitem__(self, last: str) -> Stack:
        """Give the stack whose name ends so, such as `edge`.

        Raises:
            KeyError: this environment has none.
        """
        return {stack.last: stack for stack in self.all}[last]

    def __contains__(self, last: str) -> bool:
        """Tell whether there is a stack whose name ends so."""
        return any(stack.last == last for stack in self.all)


def stacks_of(environment: TargetEnvironment, folder: Path, *, strict: bool = True) -> Stacks:
    """List the stacks of an environment.

    Args:
        environment: whose.
        folder: where the templates are.
        strict: refuse a parameter that no template has. A plan lists it among its checks instead.

    Raises:
        UsageError: its file names a parameter that no template has, or contradicts itself.
    """
    if strict:
        sizes.refuse_contradictions(environment.name, environment.parameters)
    services = environment.services
    tags = _tags(environment)

    def stack(last: str, template: str, service: str = "", **own: str) -> Stack:
        return Stack(
            f"pipecat-{environment.name}-{last}", StackTemplate(folder / f"{template}.yaml"), own, service, tags
        )

    foundation = [
        stack("network", "network" if environment.has_own_network else "network-existing"),
        stack("platform", "platform"),
        stack("permissions", "permissions"),
        stack("edge", "edge"),
        stack("canary", "canary"),
    ]
    foundation += [stack("github", "github-oidc")] if environment.parameters.get("Repository") else []
    foundation += [stack("https", "https")] if environment.has_cloudfront else []
    foundation += [stack("firewall", "firewall")] if environment.has_firewall else []
    foundation += [stack("flow-logs", "flow-logs")] if environment.has_flow_logs else []
    stacks = Stacks(
        registry=Stack("pipecat-registry", StackTemplate(folder / "registry.yaml"), tags=_SHARED),
        foundation=tuple(foundation),
        guards=tuple(stack(f"{name}-rollback", "rollback", ServiceName=name) for name in services),
        services=tuple(stack(name, "service", name, ServiceName=name) for name in services),
        watch=(
            *(stack(f"{name}-scaling", "scaling", ServiceName=name) for name in services),
            *(stack(f"{name}-alarms", "alarms", ServiceName=name) for name in services),
            stack("platform-alarms", "platform-alarms"),
            stack("events", "events"),
            stack("observability", "observability"),
        ),
    )
    if strict and (unknown := unknown_parameters(environment, folder)):
        raise UsageError(*unknown)
    return stacks


def _tags(environment: TargetEnvironment) -> dict[str, str]:
    """Return what resources are tagged with; bills and searches are divided by it."""
    own = {name: environment.parameters.get(name, "") for name in ("Owner", "CostCenter")}
    for name, value in own.items():
        if value and not _TAG_VALUE.fullmatch(value):
            raise UsageError(f"{name}={value} is not a tag: letters, digits and _ . : / = + @ -, without spaces")
    return {**_APPLICATION, "Environment": environment.name, **{name: value for name, value in own.items() if value}}


def unknown_parameters(environment: TargetEnvironment, folder: Path) -> list[str]:
    """Say which lines name a parameter that no template has: they would be ignored, and defaults deployed."""
    known = {name for path in folder.glob("*.yaml") for name in StackTemplate(path).parameters} | CHOICES.keys()
    known |= sizes.names()
    return [
        f"infra/environments/{environment.name}.parameters: no template has a parameter {name}{meant(name, known)}"
        for name in sorted(environment.parameters.keys() - known)
    ]
