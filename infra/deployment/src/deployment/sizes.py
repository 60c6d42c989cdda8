"""The two services apart: which of them run, and parameters that hold for one of them.

`MaxTasks=12` holds for both services, `PhoneMaxTasks=42` for the phone service instead of it.
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
    """Return every name of a parameter for one service."""
    return frozenset(own(service, name) for service in SERVICES for name in EACH)


def own(service: str, name: str) -> str:
    """Return what a parameter is called for one service: `PhoneMaxTasks`."""
    return f"{service.capitalize()}{name}"


def of(service: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters as one service has them: its own instead of those for both.

    Args:
        service: `phone` or `web`; empty for what belongs to neither.
        parameters: Of the environment.
    """
    others = {name: value for name, value in parameters.items() if name not in names()}
    if not service:
        return others
    mine = {name: parameters[own(service, name)] for name in EACH if own(service, name) in parameters}
    return {**others, **mine}


def refuse_contradictions(environment: str, parameters: Mapping[str, str]) -> None:
    """Refuse what cannot be meant.

    Raises:
        UsageError: a parameter for both services stands beside one for each, so it holds for neither; or one is for a
            service that does not run.
    """
    file = f"infra/environments/{environment}.parameters"
    running = services(environment, parameters)
    for name in EACH:
        apart = [own(service, name) for service in SERVICES if own(service, name) in parameters]
        if name in parameters and len(apart) == len(SERVICES):
            raise UsageError(f"{file}: {name} has no effect beside {' and '.join(apart)}; remove one of the three")
        for service in SERVICES:
            if service not in running and own(service, name) in parameters:
                raise UsageError(f"{file}: {own(service, name)} is for a service that Services leaves out; remove one")


def services(environment: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the services that run: both, or the one that `Services` names.

    Raises:
        UsageError: it names something else.
    """
    chosen = parameters.get("Services") or "both"
    if chosen == "both":
        return SERVICES
    if chosen not in SERVICES:
        file = f"infra/environments/{environment}.parameters"
        raise UsageError(f"{file}: Services={chosen} must be both, phone or web")
    return (chosen,)
