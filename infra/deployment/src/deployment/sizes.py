"""Resolves per-service parameters, and which of the two services run.

`MaxTasks=12` applies to both services; `PhoneMaxTasks=42` overrides it for the phone service.
"""

from collections.abc import Mapping
from typing import Final

from deployment.errors import UsageError

SERVICES: Final = ("phone", "web")
EACH: Final = (
    "BusyDays",
    "BusyFrom",
    "BusyMinTasks",
    "BusyUntil",
    "Cpu",
    "DailySpend",
    "DesiredCount",
    "MaxTasks",
    "Memory",
    "MinTasks",
    "PlacesKeptFree",
    "SpendPerTask",
)
"""Parameters that may differ between the services."""


def names() -> frozenset[str]:
    """Return the names of all per-service parameters."""
    return frozenset(own(service, name) for service in SERVICES for name in EACH)


def own(service: str, name: str) -> str:
    """Return a parameter's name for one service: `PhoneMaxTasks`."""
    return f"{service.capitalize()}{name}"


def of(service: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of one service: its own override those for both.

    Args:
        service: `phone` or `web`; empty for stacks of neither.
        parameters: The environment's parameters.
    """
    others = {name: value for name, value in parameters.items() if name not in names()}
    if not service:
        return others
    mine = {name: parameters[own(service, name)] for name in EACH if own(service, name) in parameters}
    return {**others, **mine}


def refuse_contradictions(environment: str, parameters: Mapping[str, str]) -> None:
    """Reject per-service parameters that cannot take effect.

    Raises:
        UsageError: A parameter for both services is overridden for each of them, or one is for a service that does not
            run.
    """
    file = f"infra/environments/{environment}.parameters"
    running = services(environment, parameters)
    for name in EACH:
        apart = [own(service, name) for service in SERVICES if own(service, name) in parameters]
        if name in parameters and len(apart) == len(SERVICES):
            raise UsageError(f"{file}: {name} has no effect beside {' and '.join(apart)}; remove one of the three")
        for service in SERVICES:
            if service not in running and own(service, name) in parameters:
                raise UsageError(f"{file}: {own(service, name)} is for a service that Services excludes; remove one")


def services(environment: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services that run: both, or the one in `Services`.

    Raises:
        UsageError: `Services` has another value.
    """
    chosen = parameters.get("Services") or "both"
    if chosen == "both":
        return SERVICES
    if chosen not in SERVICES:
        file = f"infra/environments/{environment}.parameters"
        raise UsageError(f"{file}: Services={chosen} must be both, phone or web")
    return (chosen,)
