"""Checks AWS: identity, clock, model access, quota, and the secrets of a deployed environment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import botocore.session
from botocore.exceptions import ClientError

from agent_core import causes, generations
from agent_core.cause_texts import CAUSES
from agent_core.errors import ConfigurationError, ModelRejected
from deployment import deploy_options, model_quota, service_secrets
from deployment.checks import account, model_check
from deployment.checks import secrets as secret_checks
from deployment.checks.finding import Finding, asked, bad, care, good, unset
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext, new_screen, open_job
from deployment.timeouts import Timeouts
from doctor.surroundings import MachineState

SOURCES: Final = {
    "env": "the environment",
    "shared-credentials-file": "~/.aws/credentials",
    "config-file": "~/.aws/config",
    "sso": "an SSO session",
    "login": "an `aws login` session",
    "assume-role": "a role that the profile assumes",
    "assume-role-with-web-identity": "a web identity",
    "container-role": "the task's role",
    "iam-role": "the instance's role",
    "custom-process": "the profile's credential_process",
}
_NONE: Final = "no AWS credentials: `voice-agent run` uses the stand-in for the model"


def now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


def source() -> str:
    """Return where the credentials come from; empty if there are none.

    Raises:
        BotoCoreError: The credentials are incomplete, or their source fails.
    """
    # A new session each time: boto3's default one remembers credentials that were missing.
    found = botocore.session.Session().get_credentials()
    return "" if found is None else SOURCES.get(found.method, found.method)


def credentials(surroundings: MachineState, clock: Callable[[], datetime] = now) -> list[Finding]:
    """Check the credentials with AWS, whose response also shows the clock skew."""
    where = source()
    if not where:
        # The texts are those of the services' log, so that both lead to the same page.
        cause = causes.classify(ModelRejected("NoCredentials"))
        return [unset("credentials", _NONE, f"for real speech: {cause.remedy}")]
    who, *rest = account.check(surroundings.aws, clock, masked=True)
    return [replace(who, found=f"{who.found}; from {where}"), *rest]


def offered(surroundings: MachineState) -> list[Finding]:
    """Check that the region offers the model, and report a newer generation."""
    try:
        wanted = surroundings.model
    except ConfigurationError as error:
        return [bad("model", error.reason, "change the region or the model")]
    if not source():
        return [unset("model", f"{wanted} would be used in {surroundings.model_region}")]
    # The first generation in the list is the newest.
    regions = generations.regions(generations.GENERATIONS[:1])
    found = [model_check.check(surroundings.aws, wanted, regions)]
    # A missing model has already been reported, and its access cannot be queried.
    if found[0].mark in {CheckMark.GOOD, CheckMark.CARE}:
        found.append(asked("model access", lambda: _access(surroundings, wanted)))
    newest = generations.GENERATIONS[0]
    # Only if the region has it: a newer model elsewhere would move callers' audio.
    if wanted != newest.model_id and surroundings.model_region in newest.regions:
        found.append(care("generation", f"{newest.model_id} is newer", "set NOVA_SONIC_MODEL_ID to newest"))
    return found


def _access(surroundings: MachineState, wanted: str) -> Finding:
    answer = surroundings.aws.bedrock.get_foundation_model_availability(modelId=wanted)
    states = {
        "authorization": answer.get("authorizationStatus"),
        "entitlement": answer.get("entitlementAvailability"),
        "region": answer.get("regionAvailability"),
        "agreement": answer.get("agreementAvailability", {}).get("status"),
    }
    # Some fields are missing for models without an agreement.
    lacking = [name for name, state in states.items() if state not in {None, "AUTHORIZED", "AVAILABLE"}]
    if not lacking:
        return good("model access", "granted to this account")
    why, remedy = CAUSES["no_model_access"]
    return bad("model access", f"{why} (missing: {', '.join(lacking)})", remedy)


def quota(surroundings: MachineState) -> list[Finding]:
    """Check how many concurrent streams to the model the account may open."""
    if not source():
        return []
    found = model_quota.read(surroundings.aws, surroundings.model)
    mine = surroundings.get("MODEL_STREAMS")
    # An invalid number is reported by the check of the settings.
    given = int(mine) if mine.isdecimal() else None
    # One place is enough here: a laptop needs no capacity for a rush.
    return [model_check.quota(surroundings.aws, found, 1, given)]


def _job(surroundings: MachineState) -> DeployContext:
    given = deploy_options.deploy_plan.options(["--environment", surroundings.deployed])
    return open_job(given, new_screen(), None, Timeouts(), surroundings.root)


def stored_keys(surroundings: MachineState) -> list[Finding]:
    """Check that each key in a service's template is in its secret: ECS does not start a task without it."""
    if not surroundings.deployed:
        return [unset("secrets", "pass --environment to check the secrets of a deployed environment")]
    if not source():
        return [unset("secrets", "there are no AWS credentials to check with")]
    job = _job(surroundings)
    platform = job.stacks["platform"].template
    needed = service_secrets.read_by_services(job.environment, platform)
    rows = secret_checks.check(job.aws, job.environment, platform)
    return [_strict(job, need, row) for need, row in zip(needed, rows, strict=True)]


def _strict(job: DeployContext, need: service_secrets.SecretNeeded, row: Finding) -> Finding:
    """Report a missing key as an error, as ECS treats it; a deployment only warns, because it adds the key."""
    # Values that were never set: `deploy` would ask for them.
    if row.mark is not CheckMark.CARE:
        return row
    found = service_secrets.find(job.aws, job.environment, need)
    if found is None or found.values is None:
        return row
    absent = [key for key in need.every_key if key not in found.values]
    if not absent:
        return bad(row.subject, row.found, *service_secrets.how_to_fill(job.aws.region, found, need))
    return bad(
        row.subject,
        f"{found.called(need)} has no key {' and no key '.join(absent)}: ECS does not start a task without it",
        "`voice-agent doctor --fix` adds it, empty; a required value must still be set",
    )


def missing_keys(surroundings: MachineState) -> list[tuple[str, Callable[[], None]]]:
    """Return the missing keys of each secret, with a function that adds them; existing values stay."""
    if not surroundings.deployed or not source():
        return []
    # A plan's options: invalid lines of the environment's file must not prevent the repair.
    job = _job(surroundings)
    repairs: list[tuple[str, Callable[[], None]]] = []
    for need in service_secrets.read_by_services(job.environment, job.stacks["platform"].template):
        try:
            found = service_secrets.find(job.aws, job.environment, need)
        except ClientError:
            continue
        # Without permission, or during a deletion, writing is impossible or lost.
        if found is None or found.values is None or found.deleted_on is not None:
            continue
        if absent := [key for key in need.every_key if key not in found.values]:
            words = f"add {', '.join(absent)}, empty, to {found.called(need)}"
            repairs.append((words, partial(service_secrets.fill, job.aws, found, need, {})))
    return repairs
