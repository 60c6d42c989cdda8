"""Checks the secrets that the services read at start."""

from functools import partial

from deployment import service_secrets
from deployment.aws import Aws
from deployment.checks.finding import Finding, asked, bad, care, good
from deployment.service_secrets import Found, SecretNeeded
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate


def check(aws: Aws, environment: TargetEnvironment, platform: StackTemplate) -> list[Finding]:
    """Check each secret."""
    return [
        asked(f"{need.service} secret", partial(_look, aws, environment, need))
        for need in service_secrets.read_by_services(environment, platform)
    ]


def _look(aws: Aws, environment: TargetEnvironment, need: SecretNeeded) -> Finding:
    found = service_secrets.find(aws, environment, need)
    if found is None:
        return _absent(environment, need)
    if found.deleted_on is not None:
        return bad(
            f"{need.service} secret",
            f"{found.called(need)} is scheduled for deletion since {found.deleted_on:%Y-%m-%d}: until it is gone, its "
            "values cannot be read and its name cannot be used again",
            service_secrets.how_to_restore(aws.region, found, need),
        )
    # The owner matters only for the default name: a named ARN is shared on purpose.
    named = bool(environment.parameters.get(need.parameter))
    if found.owner not in {"", f"pipecat-{environment.name}-platform"} and not named:
        return bad(
            f"{need.service} secret",
            f"{need.name} belongs to {found.owner}",
            f"set SecretsFolder to another name, such as pipecat-{environment.name}",
            f"or set {need.parameter} to its ARN to share it",
        )
    key = environment.parameters.get(service_secrets.KEY_PARAMETER, "")
    # The execution roles may decrypt with one key only, see permissions.yaml.
    if found.key and not service_secrets.may_decrypt(found.key, key):
        return bad(
            f"{need.service} secret",
            f"{found.called(need)} is encrypted under {found.key}, which the services may not use",
            f"set {service_secrets.KEY_PARAMETER} to the ARN of that key; its policy must allow this account's roles",
        )
    return judge(found, need)


def _absent(environment: TargetEnvironment, need: SecretNeeded) -> Finding:
    if environment.parameters.get(need.parameter):
        return bad(f"{need.service} secret", "there is no secret with that ARN", f"correct {need.parameter}")
    return good(f"{need.service} secret", f"{need.name} will be created, and its values asked for")


def judge(found: Found, need: SecretNeeded) -> Finding:
    """Return the state of a secret's values."""
    subject = f"{need.service} secret"
    # From unreadable to complete: each test relies on those before it.
    if found.values is None:
        return care(subject, f"{found.called(need)} exists; without permission to read it, its values are unchecked")
    if lacking := found.lacks(need):
        return care(subject, f"{found.called(need)} has no {', '.join(lacking)} yet: asked for before a service starts")
    if wrong := found.wrong(need):
        # Wrong values stop a deployment, missing ones do not: they are asked for.
        return bad(
            subject,
            f"{', '.join(wrong)} in {found.called(need)} is not valid",
            f"it must match {need.form[wrong[0]]}",
        )
    if missing := found.misses(need):
        return care(
            subject,
            f"{found.called(need)} has no key {' and no key '.join(missing)}: ECS does not start a task without it",
            "it is added, empty, before a service starts",
        )
    return good(subject, f"{found.called(need)} has values")


def check_weather(environment: TargetEnvironment) -> Finding:
    """Return which Open-Meteo plan the weather tool uses."""
    if environment.parameters.get("WeatherSecretArn"):
        return good("weather", "Open-Meteo, commercial plan")
    return care(
        "weather",
        "Open-Meteo's free plan is for non-commercial use, and limited to 600 requests a minute, 5 000 an hour and "
        "10 000 a day per IP address",
        "for the commercial plan, set WeatherSecretArn to a secret with the key OPEN_METEO_API_KEY",
    )
