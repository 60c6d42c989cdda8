"""Runs one CloudFormation stack at a time: compares, executes, waits, deletes."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import changes, failure_advice
from deployment.aws import Aws, code_of, short
from deployment.changes import Change
from deployment.errors import StackError
from deployment.stacks import Stack
from deployment.timeouts import Timeouts

# REVIEW_IN_PROGRESS is an empty stack that a change set for a new stack creates; DELETE_COMPLETE is seen only by ARN.
ABSENT: Final = {"", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
_HALF_MADE: Final = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
"""States left by a failed creation or deletion. Such a stack can only be deleted."""
_TAKEN_UP: Final = {"AWS::ECR::Repository", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"}
"""Resource types that outlive their stack under a fixed name, and that the next stack imports."""
_NOTHING: Final = ("didn't contain changes", "No updates are to be performed")
_BEGINS_SECONDS: Final = 60.0
"""How long to wait for the first event of an operation that CloudFormation accepted."""


@dataclass(frozen=True)
class ChangeSet:
    """The planned changes of one stack."""

    arn: str
    stack: Stack
    creates: bool
    changes: list[Change]


class CloudFormation:
    """The stacks of an environment in AWS."""

    def __init__(
        self,
        aws: Aws,
        patience: Timeouts,
        progress: Callable[[str], None],
        role: str = "",
        *,
        wait: Any = time,  # noqa: ANN401 - a module, or a test's clock
    ) -> None:
        """Let CloudFormation assume `role`; if empty, it uses the caller's own permissions."""
        self._client = aws.cloudformation
        self._patience = patience
        self._progress = progress
        self._role: Any = {"RoleARN": role} if role else {}
        self._wait = wait

    def status(self, stack: Stack) -> str:
        """Return a stack's status; empty if the stack does not exist."""
        described = self._describe(stack.name)
        return str(described["StackStatus"]) if described else ""

    def exists(self, stack: Stack) -> bool:
        """Return whether the stack exists and has been created."""
        return self.status(stack) not in ABSENT

    def unsettled(self, stack: Stack) -> str:
        """Return what `settle` would do first; empty if the stack can be compared as it is."""
        status = self.status(stack)
        if status in _HALF_MADE:
            return f"is {status}: what an earlier attempt left is deleted first, then the stack is created again"
        if status == "UPDATE_ROLLBACK_FAILED":
            return f"is {status}: the rollback of the earlier update is retried first"
        if status.endswith("IN_PROGRESS") and status not in ABSENT:
            return f"is {status}: `deploy` waits until that has finished"
        return ""

    def outputs(self, stack: Stack) -> dict[str, str]:
        """Return the stack's outputs; empty if the stack does not exist."""
        described = self._describe(stack.name) or {}
        return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}

    def parameters(self, stack: Stack) -> dict[str, str]:
        """Return the parameters of the last deployment."""
        described = self._describe(stack.name) or {}
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in described.get("Parameters", [])}

    def settle(self, stack: Stack, say: Callable[[str], None]) -> bool:
        """Bring a stack into a state from which it can be deployed, and return whether it exists.

        Waits for an operation in progress, retries a failed rollback, and deletes what a failed creation left.

        Raises:
            StackError: The stack does not reach such a state.
        """
        # Changing a stack during an operation fails, so wait for it, also if another deployment started it.
        status = self._ended(stack.name) if self.status(stack).endswith("IN_PROGRESS") else self.status(stack)
        if status == "UPDATE_ROLLBACK_FAILED":
            say("the rollback of an earlier update failed; retrying it")
            self._client.continue_update_rollback(StackName=stack.name, **self._role)
            # A rollback that fails twice needs a person: CloudFormation's console can skip single resources.
            status = self._ended(stack.name)
        if status in _HALF_MADE:
            say("an earlier attempt failed; deleting what it left")
            self.delete(stack)
            return False
        # UPDATE_ROLLBACK_FAILED again, or IMPORT_ROLLBACK_FAILED.
        if status.endswith("FAILED"):
            raise StackError(f"{stack.name} is {status}", "look at its events in CloudFormation's console")
        return status not in ABSENT

    def compare(self, stack: Stack, parameters: Mapping[str, str], *, exists: bool, name: str) -> ChangeSet | None:
        """Create a change set and return it; None if nothing would change.

        Raises:
            StackError: CloudFormation rejects the template or its parameters.
        """
        arguments: dict[str, Any] = {
            "StackName": stack.name,
            "ChangeSetName": name,
            "ChangeSetType": "UPDATE" if exists else "CREATE",
            "TemplateBody": stack.template.text,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": list(stack.template.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            **self._role,
        }
        if not exists and _TAKEN_UP.intersection(stack.template.kept.values()):
            # A deleted stack leaves its repository, table or log group; without the import, creation fails on its name.
            arguments["ImportExistingResources"] = True
        try:
            # CloudFormation reports "no changes" in two ways: here as an error, below as a failed change set.
            arn = self._client.create_change_set(**arguments)["Id"]
        except ClientError as error:
            if _is_nothing(str(error)):
                return None
            raise _refused(stack, short(error)) from error
        described = self._compared(arn)
        if described["Status"] == "FAILED":
            reason = str(described.get("StatusReason", ""))
            # Failed change sets count against the limit per stack, and an empty stack would block the next creation.
            self._client.delete_change_set(ChangeSetName=arn)
            self._discard_shell(stack, creates=not exists)
            if _is_nothing(reason):
                return None
            raise _refused(stack, reason)
        return ChangeSet(arn, stack, not exists, changes.read(self._every_change(arn)))

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set, and the empty stack that a change set for a new stack creates."""
        self._client.delete_change_set(ChangeSetName=change_set.arn)
        self._discard_shell(change_set.stack, creates=change_set.creates)

    def execute(self, change_set: ChangeSet) -> None:
        """Execute a change set and wait until it has finished.

        Raises:
            StackError: Names the first resource that failed, and what to do.
        """
        name = change_set.stack.name
        # Remember where the events end, to report only failures of this operation.
        before = self._newest(name)
        try:
            self._client.execute_change_set(ChangeSetName=change_set.arn)
        except ClientError as error:
            raise _refused(change_set.stack, short(error)) from error
        self._begun(name, before)
        status = self._ended(name, total=len(change_set.changes), before=before)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise _failed(name, status, failure_advice.first(self._events(name, before)))

    def is_protected(self, stack: Stack) -> bool:
        """Return whether the stack has termination protection."""
        return bool((self._describe(stack.name) or {}).get("EnableTerminationProtection"))

    def protect(self, stack: Stack, *, on: bool) -> None:
        """Turn a stack's termination protection on or off."""
        if self.is_protected(stack) != on:
            self._client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=on)

    def delete(self, stack: Stack) -> None:
        """Delete a stack and wait until it is gone.

        Raises:
            StackError: A resource could not be deleted.
        """
        if self._describe(stack.name) is None:
            return
        before = self._newest(stack.name)
        try:
            self._client.delete_stack(StackName=stack.name, **self._role)
        except ClientError as error:
            raise _refused(stack, short(error)) from error
        self._begun(stack.name, before)
        status = self._ended(stack.name, before=before)
        # A resource in use, such as a security group, cannot be deleted; the stack is then DELETE_FAILED.
        if status not in ABSENT:
            raise _failed(stack.name, status, failure_advice.first(self._events(stack.name, before)))

    def _describe(self, name: str) -> Any:  # noqa: ANN401 - a stack as boto3 returns it, or None
        try:
            return self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            # The same error code means other mistakes too; only the text tells that there is no such stack.
            if code_of(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise

    def _compared(self, arn: str) -> Any:  # noqa: ANN401 - a change set as boto3 returns it
        until = time.monotonic() + self._patience.change_set
        while True:
            described = self._client.describe_change_set(ChangeSetName=arn)
            # FAILED also means "no changes": the caller looks at the reason.
            if described["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return described
            if time.monotonic() > until:
                raise StackError("CloudFormation did not finish the comparison in time", "run the same command again")
            self._wait.sleep(min(1.0, self._patience.poll))

    def _every_change(self, arn: str) -> list[Any]:
        pages = self._client.get_paginator("describe_change_set").paginate(ChangeSetName=arn)
        return [change for page in pages for change in page.get("Changes", [])]

    def _discard_shell(self, stack: Stack, *, creates: bool) -> None:
        # Never delete another stack here: only the one that our change set has created.
        if creates and self.status(stack) == "REVIEW_IN_PROGRESS":
            self._client.delete_stack(StackName=stack.name)

    def _begun(self, name: str, before: str) -> None:
        """Wait for the first event of an operation: until then, the stack still shows its previous state."""
        until = time.monotonic() + _BEGINS_SECONDS
        # A deletion may finish before the first look; then there is no stack left whose events could be read.
        while time.monotonic() < until and self._describe(name) is not None:
            events = self._events(name, before)
            if any(one["LogicalResourceId"] == name and one["ResourceStatus"] not in ABSENT for one in events):
                return
            self._wait.sleep(min(1.0, self._patience.poll))

    def _ended(self, name: str, *, total: int = 0, before: str = "") -> str:
        """Wait until no operation is in progress, and return the stack's status."""
        began = time.monotonic()
        until = began + self._patience.stack
        while True:
            described = self._describe(name)
            status = str(described["StackStatus"]) if described else ""
            if status in ABSENT or not status.endswith("IN_PROGRESS"):
                # A status without IN_PROGRESS is final, whether the operation succeeded or not.
                return status
            if time.monotonic() > until:
                raise StackError(f"{name} is still {status}", "wait for it in CloudFormation's console, then run again")
            self._progress(self._how_far(name, total, before, time.monotonic() - began))
            self._wait.sleep(self._patience.poll)

    def _how_far(self, name: str, total: int, before: str, seconds: float) -> str:
        recent = self._events(name, before)
        done = {e["LogicalResourceId"] for e in recent if str(e.get("ResourceStatus", "")).endswith("E_COMPLETE")}
        at_work = next((e["LogicalResourceId"] for e in recent if "IN_PROGRESS" in str(e.get("ResourceStatus"))), "")
        return f"{name}  {len(done)} of {total}  {at_work}  {seconds:.0f} s" if total else f"{name}  {seconds:.0f} s"

    def _newest(self, name: str) -> str:
        """Return the ID of the newest event, which separates later events from earlier operations."""
        return next((str(event["EventId"]) for event in self._every_event(name)), "")

    def _events(self, name: str, before: str) -> list[Any]:
        """Return the events since an event, newest first."""
        return list(takewhile(lambda event: event["EventId"] != before, self._every_event(name)))

    def _every_event(self, name: str) -> Iterator[Any]:
        try:
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=name):
                yield from page["StackEvents"]
        except ClientError:
            return  # a deleted stack has no events under its name


def _is_nothing(reason: str) -> bool:
    return any(words in reason for words in _NOTHING)


def _refused(stack: Stack, reason: str) -> StackError:
    failure = failure_advice.Failure(stack.name, "", reason)
    return StackError(f"CloudFormation rejected {stack.name}: {reason}", failure.advice)


def _failed(name: str, status: str, failure: failure_advice.Failure | None) -> StackError:
    if failure is None:
        return StackError(f"{name} ended as {status}", "look at its events in CloudFormation's console")
    return StackError(f"{name}: {failure.resource} ({failure.kind}) failed: {failure.reason}", failure.advice)
