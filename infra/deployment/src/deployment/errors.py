"""Errors that stop a deployment. Each says what happened and what to do, in a sentence for the operator."""


class DeploymentError(Exception):
    """The deployment stopped; the next run continues from there.

    Attributes:
        what: What happened.
        advice: What to do about it, line by line.
    """

    code = 1

    def __init__(self, what: str, *advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class UsageError(DeploymentError):
    """The options, or the environment's file, are not valid."""

    code = 2


class DeclinedError(DeploymentError):
    """The operator answered no."""


class StackError(DeploymentError):
    """CloudFormation could not apply a template."""


class ImageError(DeploymentError):
    """An image could not be built or pushed."""


class ProofError(DeploymentError):
    """The deployment completed, and its smoke test failed."""
