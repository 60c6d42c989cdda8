"""Deploys stack after stack: shows the changes, asks for confirmation, executes, waits."""

import time
from dataclasses import dataclass

from botocore.exceptions import ClientError

from deployment import changes, identity_provider, image_retention, linked_roles, restart, service_secrets
from deployment.aws import short
from deployment.cloudformation import ChangeSet
from deployment.console import CheckMark, Screen
from deployment.deploy_context import DeployContext
from deployment.errors import DeclinedError, StackError, UsageError
from deployment.services import last_words
from deployment.stacks import Stack


@dataclass
class ChangeApproval:
    """The operator's consent to changes."""

    screen: Screen
    all: bool
    """Whether the operator has answered "all": no further questions."""

    def ask(self, what: str) -> None:
        """Ask for confirmation, unless all changes were confirmed.

        Raises:
            DeclinedError: The answer was no.
            UsageError: There is no terminal to ask on.
        """
        if self.all:
            return
        if not self.screen.can_ask:
            raise UsageError(
                "not a terminal; pass --yes to confirm", "pass --yes (YES=1), or look first: `make deploy-plan`"
            )
        answer = self.screen.ask(f"{what} [y]es, [a]ll, [N]o:").lower()
        self.all = answer in {"a", "all"}
        if not self.all and answer not in {"y", "yes"}:
            raise DeclinedError("you answered no: nothing more was changed", "the same command continues from here")


@dataclass
class Rollout:
    """Deploys stacks for one command."""

    job: DeployContext
    consent: ChangeApproval

    def deploy(self, stack: Stack) -> None:
        """Bring one stack up to date.

        Raises:
            StackError: The deployment failed; the next run can continue from the stack's state.
            DeclinedError: The operator answered no. The change set is deleted.
        """
        change_set = self.prepare(stack)
        if change_set is not None:
            self.make(change_set)

    def prepare(self, stack: Stack) -> ChangeSet | None:
        """Show what would change and ask for confirmation; return None if nothing would change.

        Raises:
            StackError: The stack cannot be compared.
            DeclinedError: The operator answered no. The change set is deleted.
        """
        screen = self.job.screen
        screen.progress(f"{stack.name}: comparing")
        # An interrupted run may have left the stack in progress, or half created.
        exists = self.job.cloudformation.settle(stack, lambda text: screen.row(CheckMark.STEP, stack.last, text))
        change_set = self._compare(stack, exists=exists)
        if change_set is None:
            screen.row(CheckMark.GOOD, stack.last, "no changes")
            self._protect(stack)
            return None
        self._show(change_set)
        self._agreed(change_set)
        return change_set

    def make(self, change_set: ChangeSet) -> None:
        """Execute a confirmed change set.

        Raises:
            StackError: The deployment failed; the next run can continue from the stack's state.
        """
        began = time.monotonic()
        try:
            self._execute(change_set)
        except StackError as error:
            # Only a creation: an update that fails for another reason must not be repeated.
            if not (change_set.creates and linked_roles.is_too_new(error.what)):
                raise
            stack = change_set.stack
            what = "IAM is still propagating a role that AWS has just created: retrying"
            self.job.screen.row(CheckMark.CARE, stack.last, what)
            self._once_more(stack)
        done = "created" if change_set.creates else "updated"
        self.job.screen.row(CheckMark.GOOD, change_set.stack.last, f"{done} in {time.monotonic() - began:.0f} s")
        self._protect(change_set.stack)

    def _once_more(self, stack: Stack) -> None:
        """Create a stack again that failed only because a service-linked role was new."""
        self.job.cloudformation.settle(stack, lambda _: None)
        change_set = self._compare(stack, exists=False)
        if change_set is not None:
            self._execute(change_set)

    def preview(self, stack: Stack, *, comparable: bool) -> bool:
        """Show what would change and delete the change set; return whether the stack exists and can be compared.

        Args:
            stack: The stack to compare.
            comparable: Whether every stack that it imports from exists. CloudFormation cannot compare without.
        """
        screen = self.job.screen
        if unsettled := self.job.cloudformation.unsettled(stack):
            screen.row(CheckMark.CARE, stack.last, unsettled)
            return False
        exists = self.job.cloudformation.exists(stack)
        if not exists and not comparable:
            screen.row("+", stack.last, f"new, by its template: {self._kinds(stack)}")
            return False
        change_set = self._compare(stack, exists=exists)
        if change_set is None:
            screen.row(CheckMark.GOOD, stack.last, "no changes")
            return True
        self.job.cloudformation.discard(change_set)
        self._show(change_set)
        return exists

    def _kinds(self, stack: Stack) -> str:
        made = stack.template.made(self.parameters(stack, exists=False))
        return changes.kinds(made.values())

    def parameters(self, stack: Stack, *, exists: bool) -> dict[str, str]:
        """Return the parameters of a stack for this deployment."""
        given = stack.parameters(self.job.environment, self.job.found)
        # The order matters: later lines override what the environment's file says.
        if stack == self.job.stacks.registry and exists:
            # All environments of the account share the registry: keep what another one has set.
            deployed, template = self.job.cloudformation.parameters(stack), stack.template
            kept = {name: deployed[name] for name in sorted(deployed.keys() & template.parameters)}
            given = {name: value for name, value in kept.items() if value != template.default(name)} | given
        if stack.service:
            # Once the service runs, scaling controls the number of tasks.
            given["DesiredCount"] = "" if exists else str(self.job.chosen(stack.service).first_tasks)
            given |= restart.parameters(self.job, stack, exists=exists)
        if stack.last == "canary":
            given["ListenerArn"] = self.job.listener
        if stack == self.job.stacks.registry:
            kept_now = self.job.cloudformation.parameters(stack).get("KeptImages", "") if exists else ""
            given["KeptImages"] = image_retention.kept_images(given, stack.template.default("KeptImages"), kept_now)
        # The alarm needs the gateways' IDs. No import, because an export in use could not change with NatGateways.
        if "NatGatewayIds" in stack.template.parameters:
            network = self.job.cloudformation.outputs(self.job.stacks["network"])
            given["NatGatewayIds"] = network.get("NatGatewayIds", "")
        if stack.last == "platform":
            given |= self._adopted(stack, exists=exists)
        if stack.last == "github":
            given |= identity_provider.adopted(self.job, stack, exists=exists)
        return given

    def _protect(self, stack: Stack) -> None:
        """Turn on a protected environment's termination protection; without permission, only warn."""
        # The registry belongs to all environments, so no single one protects it.
        if not self.job.environment.is_protected or stack is self.job.stacks.registry:
            return
        try:
            self.job.cloudformation.protect(stack, on=True)
        except ClientError as error:
            self.job.screen.row(CheckMark.CARE, stack.last, f"could not be protected from deletion: {short(error)}")

    def _adopted(self, platform: Stack, *, exists: bool) -> dict[str, str]:
        """Return the secrets that an earlier stack left behind: CloudFormation cannot create them again."""
        # Once the stack exists, keep the secrets that it was created with, unless the environment names others.
        if exists:
            deployed = self.job.cloudformation.parameters(platform)
            kept = {need.parameter: deployed.get(need.parameter, "") for need in self._needs(platform)}
            return {name: arn for name, arn in kept.items() if arn and not self.job.environment.parameters.get(name)}
        needs = self._needs(platform)
        found = [(need.parameter, service_secrets.find(self.job.aws, self.job.environment, need)) for need in needs]
        return {name: secret.arn for name, secret in found if secret is not None}

    def _needs(self, platform: Stack) -> tuple[service_secrets.SecretNeeded, ...]:
        every = service_secrets.needs(self.job.environment, platform.template)
        return tuple(need for need in every if need.parameter in platform.template.parameters)

    def _compare(self, stack: Stack, *, exists: bool) -> ChangeSet | None:
        wanted = self.parameters(stack, exists=exists)
        if exists and stack.service:
            # A change set that only leaves the number of tasks to scaling is not worth a question to the operator.
            capacity = {"DesiredCount": self.job.cloudformation.parameters(stack).get("DesiredCount", "")}
            as_before = self._ask(stack, wanted | capacity, exists=True)
            if as_before is None or capacity["DesiredCount"] == "":
                return as_before
            self.job.cloudformation.discard(as_before)
        return self._ask(stack, wanted, exists=exists)

    def _ask(self, stack: Stack, parameters: dict[str, str], *, exists: bool) -> ChangeSet | None:
        return self.job.cloudformation.compare(stack, parameters, exists=exists, name=f"deploy-{time.time_ns()}")

    def _show(self, change_set: ChangeSet) -> None:
        last = change_set.stack.last
        if change_set.creates:
            self.job.screen.row("+", last, f"new: {changes.kinds(change.kind for change in change_set.changes)}")
        # Only updates list single resources: for a new stack, the kinds say enough.
        else:
            self.job.screen.row("~", last, "changes")
            self.job.screen.lines(changes.rows(change_set.changes), indent=20)

    def _agreed(self, change_set: ChangeSet) -> None:
        try:
            self.consent.ask("Make these changes?")
        # Also on Ctrl-C: an unconfirmed change set would block nothing, but confuse a reader of the console.
        except (DeclinedError, UsageError, KeyboardInterrupt, EOFError):
            self.job.cloudformation.discard(change_set)
            raise

    def _execute(self, change_set: ChangeSet) -> None:
        try:
            self.job.cloudformation.execute(change_set)
        except StackError as error:
            # ECS says only that tasks failed to start; the reason is in the last lines of their log.
            service = change_set.stack.service
            said = last_words(self.job.aws, self.job.environment.name, service) if service else []
            raise StackError(error.what, *error.advice, *said) from error
