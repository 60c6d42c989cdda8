"""Resolves the parameters of a service: from the environment's file, its stack, or a template's default."""

from collections.abc import Iterator, Mapping

from deployment.stacks import Stacks
from deployment.target_environment import TargetEnvironment


class Chosen(Mapping[str, str]):
    """All parameters of a service: the environment's value, else the template's default, else empty."""

    def __init__(self, said: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        """Keep explicit values apart from defaults: some checks apply to explicit values only."""
        self.said = said
        self._all = {**defaults, **said}

    def __getitem__(self, name: str) -> str:
        """Return a parameter's value; empty if there is none of this name."""
        return self._all.get(name, "")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._all)

    def __len__(self) -> int:
        """Return the number of parameters."""
        return len(self._all)

    def number(self, name: str) -> float | None:
        """Return a parameter as a number; None if it is not one (`bounds` reports that)."""
        try:
            return float(self[name])
        except ValueError:
            return None

    @property
    def first_tasks(self) -> int:
        """Number of tasks of a first deployment: the explicit value, or the default clamped to the scaling limits."""
        count = int(self.number("DesiredCount") or 1)
        if "DesiredCount" in self.said:
            return count
        least, most = self.number("MinTasks") or 1, self.number("MaxTasks") or count
        return int(max(least, min(count, most)))

    @property
    def fewest_tasks(self) -> int:
        """Number of tasks that scaling keeps without traffic."""
        return int(self.number("MinTasks") or 1)


def choose(environment: TargetEnvironment, stacks: Stacks, service: str = "") -> Chosen:
    """Return the parameters of a service's stacks; without a service, of the stacks that both services share."""
    own = [stack for stack in stacks.all if stack.own.get("ServiceName", service) == service]
    defaults = {
        name: str(declared["Default"])
        for stack in own
        for name, declared in stack.template.body.get("Parameters", {}).items()
        if "Default" in declared
    }
    given = {name: value for stack in own for name, value in stack.parameters(environment, {}).items()}
    return Chosen({**environment.parameters, **given, "Region": environment.region}, defaults)
