"""Lists the stacks of an environment in dependency order."""

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
"""Both services; an environment may run only one of them, see `Environment.services`."""
_APPLICATION: Final = {"Application": "pipecat-voice-agent"}
_SHARED: Final = {**_APPLICATION, "Environment": "shared"}
"""Tags of the registry: with an environment's tags, each deployment of another environment would change them."""
_TAG_VALUE: Final = re.compile(r"[\w.:/=+@-]{1,256}")


@dataclass(frozen=True)
class Stack:
    """One stack: a template under a name."""

    name: str
    template: StackTemplate
    own: Mapping[str, str] = field(default_factory=dict)
    """Parameters that only this stack gets."""
    service: str = ""
    """The service whose tasks it runs; empty for any other stack."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of every resource in the stack."""

    @property
    def last(self) -> str:
        """The end of its name: `phone-alarms` for `pipecat-test-phone-alarms`."""
        return self.name.split("-", 2)[-1]

    def parameters(self, environment: TargetEnvironment, found: Mapping[str, str]) -> dict[str, str]:
        """Return its template's parameters: from the environment's file, those determined on the way, and its own."""
        # Later entries win: the environment's file, then values determined on the way, then the stack's own.
        given = {**sizes.of(self.own.get("ServiceName", ""), environment.parameters), **found, **self.own}
        return {name: given[name] for name in sorted(self.template.parameters) if name in given}


@dataclass(frozen=True)
class Stacks:
    """All stacks of an environment."""

    registry: Stack
    foundation: tuple[Stack, ...]
    """Network to load balancer: what a service needs before it can be created."""
    guards: tuple[Stack, ...]
    """Alarms that roll a service's deployment back; its stack refers to them."""
    services: tuple[Stack, ...]
    watch: tuple[Stack, ...]
    """Scaling, alarms, events and dashboard, which need the services."""

    @property
    def all(self) -> tuple[Stack, ...]:
        """All stacks, each after those that it depends on."""
        return (self.registry, *self.foundation, *self.guards, *self.services, *self.watch)

    def __getitem__(self, last: str) -> Stack:
        """Return the stack whose name ends like this, such as `edge`.

        Raises:
            KeyError: This environment has none.
        """
        # The index is built each time: a deployment has about twenty stacks.
        return {stack.last: stack for stack in self.all}[last]

    def __contains__(self, last: str) -> bool:
        """Return whether there is a stack whose name ends like this."""
        return any(stack.last == last for stack in self.all)


def stacks_of(environment: TargetEnvironment, folder: Path, *, strict: bool = True) -> Stacks:
    """Return the stacks of an environment.

    Args:
        environment: The environment.
        folder: Folder of the templates.
        strict: Reject a parameter that no template declares. A plan reports it among its checks instead.

    Raises:
        UsageError: The file names a parameter that no template declares, or contradicts itself.
    """
    # Errors in the file end the command before it sends a request to AWS.
    if strict:
        sizes.refuse_contradictions(environment.name, environment.parameters)
    services = environment.services
    tags = _tags(environment)

    def stack(last: str, template: str, service: str = "", **own: str) -> Stack:
        return Stack(
            f"pipecat-{environment.name}-{last}", StackTemplate(folder / f"{template}.yaml"), own, service, tags
        )

    # In the order of their imports: each stack comes after those whose exports it uses.
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
    """Return the tags of the environment's resources, which bills and searches filter by."""
    # Only tags that the operator has set: an empty value would be a tag as well.
    own = {name: environment.parameters.get(name, "") for name in ("Owner", "CostCenter")}
    for name, value in own.items():
        if value and not _TAG_VALUE.fullmatch(value):
            raise UsageError(f"{name}={value} is not a tag: letters, digits and _ . : / = + @ -, without spaces")
    return {**_APPLICATION, "Environment": environment.name, **{name: value for name, value in own.items() if value}}


def unknown_parameters(environment: TargetEnvironment, folder: Path) -> list[str]:
    """Return the parameters that no template declares: they would be ignored, and defaults deployed."""
    # All templates count, used or not, so that one file can be valid for several sets of stacks.
    known = {name for path in folder.glob("*.yaml") for name in StackTemplate(path).parameters} | CHOICES.keys()
    known |= sizes.names()
    return [
        f"infra/environments/{environment.name}.parameters: no template has a parameter {name}{meant(name, known)}"
        for name in sorted(environment.parameters.keys() - known)
    ]
