"""What each parameter is for a service, wherever it comes from: its file, its stack, or the default of a template."""

from collections.abc import Iterator, Mapping

from deployment.stacks import Stacks
from deployment.target_environment import TargetEnvironment


class Chosen(Mapping[str, str]):
    """What each parameter is: the environment's value, or the default of the template that has it; else empty."""

    def __init__(self, said: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        """Tell what was said from what was left to a default."""
        self.said = said
        self._all = {**defaults, **said}

    def __getitem__(self, name: str) -> str:
        """Return one; empty where there is none of this name."""
        return self._all.get(name, "")

    def __iter__(self) -> Iterator[str]:
        """List the names."""
        return iter(self._all)

    def __len__(self) -> int:
        """Count them."""
        return len(self._all)

    def number(self, name: str) -> float | None:
        """Return a number; None where it is none, which `bounds` reports."""
        try:
            return float(self[name])
        except ValueError:
            return None

    @property
    def first_tasks(self) -> int:
        """Count the tasks of the first deployment: what was said, or the default as far as scaling agrees with it."""
        count = int(self.number("DesiredCount") or 1)
        if "DesiredCount" in self.said:
            return count
        least, most = self.number("MinTasks") or 1, self.number("MaxTasks") or count
        return int(max(least, min(count, most)))

    @property
    def fewest_tasks(self) -> int:
        """Count the tasks that stay while nobody calls."""
        return int(self.number("MinTasks") or 1)


def choose(environment: TargetEnvironment, stacks: Stacks, service: str = "") -> Chosen:
    """Gather what a service's stacks are given; without a service, what all others are."""
    own = [stack for stack in stacks.all if stack.own.get("ServiceName", service) == service]
    defaults = {
        name: str(declared["Default"])
        for stack in own
        for name, declared in stack.template.body.get("Parameters", {}).items()
        if "Default" in declared
    }
    given = {name: value for stack in own for name, value in stack.parameters(environment, {}).items()}
    return Chosen({**environment.parameters, **given, "Region": environment.region}, defaults)
