"""Waits for the services' tasks, and explains why they stopped."""

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

from deployment.aws import Aws, AwsFailure
from deployment.errors import StackError
from deployment.timeouts import Timeouts

_LAST_LINES: Final = 3


def wait_until_steady(
    aws: Aws, environment: str, names: tuple[str, ...], patience: Timeouts, progress: Callable[[str], None]
) -> dict[str, int]:
    """Wait until every service runs its desired tasks and no older ones; return the number of tasks by service.

    Raises:
        StackError: A service does not get there; contains its tasks' last log lines.
    """
    cluster = f"pipecat-cluster-{environment}"
    until = time.monotonic() + patience.steady
    while True:
        services = {name: _service(aws, cluster, f"pipecat-{name}-service-{environment}") for name in names}
        waiting = [name for name, service in services.items() if not _is_steady(service)]
        if not waiting:
            return {name: int(service["runningCount"]) for name, service in services.items()}
        if time.monotonic() > until:
            said = [line for name in waiting for line in last_words(aws, environment, name)]
            raise StackError(f"{' and '.join(waiting)} did not become steady", *said, "fix that and deploy again")
        progress(", ".join(f"{name} {_standing(service)}" for name, service in services.items()))
        time.sleep(patience.poll)


def last_words(aws: Aws, environment: str, name: str, role: str = "service") -> list[str]:
    """Return why tasks stopped and their last log lines: a service that lacks a setting logs that as its last line."""
    said: list[str] = []
    # Helpful lines only: without permission for one source, the other is still shown.
    for look in (_stopped, _logged):
        with contextlib.suppress(*AwsFailure):
            said += look(aws, environment, name, role)
    return said


def _service(aws: Aws, cluster: str, name: str) -> Any:  # noqa: ANN401 - a service as boto3 returns it
    found = aws.ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found:
        raise StackError(f"ECS has no service {name}", "run `make deploy` again")
    return found[0]


def _is_steady(service: Any) -> bool:  # noqa: ANN401 - a service as boto3 returns it
    # An old deployment stays in the list until its last task is gone.
    deployments = service["deployments"]
    rolled_out = all(one.get("rolloutState", "COMPLETED") == "COMPLETED" for one in deployments)
    return len(deployments) == 1 and rolled_out and service["runningCount"] >= service["desiredCount"]


def _standing(service: Any) -> str:  # noqa: ANN401 - a service as boto3 returns it
    return f"{service['runningCount']} of {service['desiredCount']}"


def _stopped(aws: Aws, environment: str, name: str, role: str) -> list[str]:
    cluster = f"pipecat-cluster-{environment}"
    service = f"pipecat-{name}-{role}-{environment}"
    arns = aws.ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus="STOPPED")["taskArns"]
    tasks = aws.ecs.describe_tasks(cluster=cluster, tasks=arns[:5])["tasks"] if arns else []
    reasons = {task.get("stoppedReason", "") for task in tasks} - {""}
    return [f"a {name} task stopped: {reason}" for reason in sorted(reasons)]


def _logged(aws: Aws, environment: str, name: str, role: str) -> list[str]:
    group = f"/ecs/pipecat-voice-agent-{environment}/{name}"
    streams = aws.logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=50)
    # Log streams of a canary have this prefix (service.yaml); running tasks keep writing to theirs meanwhile.
    found = [
        stream["logStreamName"]
        for stream in streams["logStreams"]
        if stream["logStreamName"].startswith("canary/") is (role == "canary")
    ]
    if not found:
        return []
    events = aws.logs.get_log_events(logGroupName=group, logStreamName=found[0], limit=_LAST_LINES)["events"]
    return [f"{name} logged: {event['message'].strip()[:200]}" for event in events]
