"""What ends a deployment before its end. Each says what happened and what to do, in a sentence for a person."""


class DeploymentError(Exception):
    """The deployment stops here; run again, it goes on from here.

    Attributes:
        what: what happened.
        advice: what to do about it, line by line.
    """

    code = 1

    def __init__(self, what: str, *advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class UsageError(DeploymentError):
    """It was not said what to do, or not so that it can be done."""

    code = 2


class DeclinedError(DeploymentError):
    """The person at the keyboard said no."""


class StackError(DeploymentError):
    """CloudFormation could not do what the template says."""


class ImageError(DeploymentError):
    """An image could not be built or pushed."""


class ProofError(DeploymentError):
    """Everything was deployed, and does not answer as it should."""
