"""Prints an environment's estimated cost, before and after a deployment."""

from collections.abc import Mapping

from deployment import cost
from deployment.console import CheckMark
from deployment.deploy_context import DeployContext


def show(job: DeployContext, running: Mapping[str, int] | None = None) -> None:
    """Print the idle cost of a month and the cost of one minute of a call.

    Args:
        job: The command, with the environment.
        running: Number of running tasks by service; None for an environment that is only planned.
    """
    tasks = cost.Tasks.of(job)
    items = cost.estimate(job, tasks.fewest)
    other = {"as it runs now": running} if running else {"with the initial number of tasks": tasks.first}
    job.screen.heading(f"About ${_total(items):.0f} a month without calls{_compared(job, other, _total(items))}")
    for item in items:
        job.screen.row(CheckMark.STEP, f"${item.dollars:.2f}", item.what)
    each = cost.minute()
    job.screen.heading(f"About ${_total(each):.3f} per minute of a call")
    for item in each:
        job.screen.row(CheckMark.STEP, f"${item.dollars:.4f}", item.what)
    said = f"Not counted: Daily, traffic to callers, images, requests, free tiers, tax. {cost.prices()['said']}."
    job.screen.advise(said, "  ")


def _compared(job: DeployContext, others: Mapping[str, Mapping[str, int]], total: float) -> str:
    """Append the cost with other numbers of tasks, where it differs."""
    found = {words: _total(cost.estimate(job, tasks)) for words, tasks in others.items()}
    return "".join(f", ${dollars:.0f} {words}" for words, dollars in found.items() if round(dollars) != round(total))


def _total(items: list[cost.Item]) -> float:
    return sum(item.dollars for item in items)
