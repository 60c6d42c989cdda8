"""Where callers' audio is processed: the plan says so before anything is made."""

from deployment.checks.finding import Finding, care, good
from deployment.deploy_context import DeployContext


def check(job: DeployContext) -> Finding:
    """Name the regions of the model. Twilio's and Daily's own regions are theirs."""
    regions = [job.aws.model_region]
    if overflow := job.environment.parameters.get("NovaSonicOverflowRegion", ""):
        regions.append(overflow)
    elsewhere = [region for region in regions if region != job.aws.region]
    where = " and ".join(regions)
    if not elsewhere:
        return good("audio", f"processed by the model in {where}, where all of it runs")
    return care("audio", f"processed by the model in {where}; all else runs in {job.aws.region}")
