"""Checks where callers' audio is processed, so that the plan shows it before anything is created."""

from deployment.checks.finding import Finding, care, good
from deployment.deploy_context import DeployContext


def check(job: DeployContext) -> Finding:
    """Return the model's regions. Twilio and Daily process audio in regions of their own."""
    regions = [job.aws.model_region]
    if overflow := job.environment.parameters.get("NovaSonicOverflowRegion", ""):
        regions.append(overflow)
    # Another region is allowed, but data protection rules may require the operator to know it.
    elsewhere = [region for region in regions if region != job.aws.region]
    where = " and ".join(regions)
    if not elsewhere:
        return good("audio", f"processed by the model in {where}, where everything else runs")
    return care("audio", f"processed by the model in {where}; everything else runs in {job.aws.region}")
