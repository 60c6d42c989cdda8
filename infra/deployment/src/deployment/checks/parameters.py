"""Checks the environment's file: every line is known, allowed and used, and the values fit together."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from deployment import bounds, contradictions, sizes
from deployment import target_environment as environments
from deployment.checks.finding import Finding, bad, care, good
from deployment.chosen import choose
from deployment.errors import UsageError
from deployment.stacks import Stacks, unknown_parameters
from deployment.target_environment import CHOICES, TargetEnvironment
from deployment.template import StackTemplate

_SUBJECT: Final = "parameters"
FOUND: Final = {
    "ImageTag": "tag",
    "ListenerArn": "arn:aws:elasticloadbalancing:eu-north-1:000000000000:listener/not-yet",
    "PublicBaseUrl": "https://not-yet.invalid",
}
"""Placeholders of the right form for the parameters that the command determines itself."""
_WANTS: Final = {"firewall": "Firewall=true", "github-oidc": "Repository=owner/name"}


def check(environment: TargetEnvironment, stacks: Stacks, others: Mapping[str, TargetEnvironment]) -> list[Finding]:
    """Return everything that is wrong with an environment's parameters; sends no request to AWS.

    Args:
        environment: The environment.
        stacks: Its stacks.
        others: The other environments that have a file.
    """
    every = (
        *_unknown(environment, stacks),
        *_refused(environment, stacks),
        *_contradictory(environment, stacks),
        *_unused(environment, stacks),
        *_shared(environment, stacks, others),
    )
    # Stacks of both services may report the same finding.
    return list(dict.fromkeys(every)) or [good(_SUBJECT, f"{len(environment.parameters)} lines, all valid")]


def others(folder: Path, name: str) -> dict[str, TargetEnvironment]:
    """Return the other environments, skipping files that cannot be read."""
    found = {}
    for path in sorted(folder.glob("*.parameters")):
        try:
            found[path.stem] = environments.load(folder, path.stem)
        except (UsageError, OSError):
            continue  # a deployment of that environment reports it
    return {one: read for one, read in found.items() if one != name}


def not_allowed(environment: TargetEnvironment, stacks: Stacks) -> frozenset[str]:
    """Return the parameters whose value a template does not allow."""
    # Without the values found on the way: only what the file says can be set aside.
    given = [(stack.template, stack.parameters(environment, {})) for stack in stacks.all]
    return frozenset(name for template, values in given for name in bounds.out_of_bounds(template, values))


def _unknown(environment: TargetEnvironment, stacks: Stacks) -> Iterator[Finding]:
    for said in unknown_parameters(environment, stacks.registry.template.path.parent):
        yield bad(_SUBJECT, said, "correct the name, or remove the line: the default would be deployed")


def _refused(environment: TargetEnvironment, stacks: Stacks) -> Iterator[Finding]:
    for stack in stacks.all:
        for said in bounds.refused(stack.template, stack.parameters(environment, FOUND), environment.region):
            yield bad(_SUBJECT, said, f"correct it in infra/environments/{environment.name}.parameters")


def _contradictory(environment: TargetEnvironment, stacks: Stacks) -> Iterator[Finding]:
    try:
        # Errors here stop `deploy` when it reads the file; a plan reports them with the others.
        sizes.refuse_contradictions(environment.name, environment.parameters)
    except UsageError as error:
        yield bad(_SUBJECT, error.what, "keep only one of these lines")
    for service in environment.services:
        for one in contradictions.contradictions(choose(environment, stacks, service)):
            # A warning if a setting merely has no effect.
            yield (bad if one.stops else care)(_SUBJECT, one.what, one.advice)


def _unused(environment: TargetEnvironment, stacks: Stacks) -> Iterator[Finding]:
    """Yield parameters that no stack declares: such a line looks effective and is not."""
    taken = {name for stack in stacks.all for name in stack.template.parameters} | CHOICES.keys()
    for name in sorted(environment.parameters.keys() & FOUND.keys()):
        yield care(_SUBJECT, f"{name} has no effect: the command sets it itself", "remove the line")
    for template, wants in _WANTS.items():
        path = stacks.registry.template.path.with_name(f"{template}.yaml")
        theirs = StackTemplate(path).parameters if path.is_file() else frozenset()
        for name in sorted((environment.parameters.keys() & theirs) - taken):
            yield care(_SUBJECT, f"{name} has no effect without {wants}", f"add {wants}, or remove {name}")


def _shared(
    environment: TargetEnvironment, stacks: Stacks, others: Mapping[str, TargetEnvironment]
) -> Iterator[Finding]:
    """Yield environments that publish to the same metrics namespace: each would scale on the other's calls."""
    namespace = choose(environment, stacks)["MetricsNamespace"]
    for name, other in others.items():
        # Other accounts cannot be seen from here, so this is only a warning.
        theirs = choose(other, stacks)["MetricsNamespace"]
        if theirs == namespace and other.region == environment.region:
            yield care(
                _SUBJECT,
                f"{name} has MetricsNamespace {namespace} too: in one account each would scale on the other's calls",
                f"set MetricsNamespace={namespace}/{environment.name}, unless they are in different accounts",
            )
