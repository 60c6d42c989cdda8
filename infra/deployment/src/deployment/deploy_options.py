"""Options of `voice-agent deploy`, `deploy-plan` and `destroy`; each is also a variable of the make target."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from voice_agent.plug_in import command

_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_EPILOG: Final = """\
Credentials come from the default chain of the AWS tools: AWS_PROFILE, AWS_ACCESS_KEY_ID, a role. The region is the
environment's own (infra/environments). If a run stops, run the same command again: it continues from there.

Exit code: 0 done, 1 not done, 2 wrong usage.
"""


@dataclass(frozen=True)
class Options:
    """Validated options of one command."""

    environment: str
    region: str
    yes: bool
    role: str
    images: str = ""
    tag: str = ""
    twilio_number: str = ""
    twilio_fallback_url: str = ""
    twilio_api: str = ""
    address: str = ""
    call: bool = True
    canary: bool = True
    restart: bool = False
    lenient: bool = False
    """Report an invalid line of the environment's file among the checks, instead of stopping at it."""
    foundation: bool = False
    unprotect: bool = False


def is_tag(text: str) -> bool:
    """Return whether a registry accepts the text as a tag."""
    return _TAG.fullmatch(text) is not None


def _tag(text: str) -> str:
    if not is_tag(text):
        raise ValueError(f"{text!r} is not a tag: letters, digits, and _ . - after the first")
    return text


def _number(text: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", text):
        raise ValueError(f"{text!r} is not a phone number such as +46701234567")
    return text


_environment = typer.Option("--environment", metavar="NAME", help="Name of a file in infra/environments.")
_region = typer.Option("--region", metavar="REGION", help="Override the environment's region.")
_role = typer.Option("--role", metavar="ARN", help="Role that CloudFormation assumes, instead of yours.")
_images = typer.Option("--images", metavar="TAG", parser=_tag, help="Deploy images that have been pushed.")
_tagged = typer.Option("--tag", metavar="TAG", parser=_tag, help="Tag of the images, instead of the commit.")


@command("deployment.deploy:work", epilog=_EPILOG)
def deploy(  # noqa: PLR0913 - each is an option
    context: typer.Context,
    *,
    environment: Annotated[str, _environment] = "test",
    region: Annotated[str, _region] = "",
    role: Annotated[str, _role] = "",
    images: Annotated[str | None, _images] = None,
    tag: Annotated[str | None, _tagged] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Apply the changes without asking.")] = False,
    twilio_number: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", parser=_number, help="Point this phone number at the deployment, such as +46…"),
    ] = None,
    twilio_fallback_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Fallback URL of the number, for when the deployment does not answer: a TwiML Bin's URL.",
        ),
    ] = "",
    address: Annotated[
        str, typer.Option(metavar="URL", help="Run the smoke test against this URL (DNS not propagated yet).")
    ] = "",
    restart: Annotated[bool, typer.Option("--restart", help="Replace all tasks, even if nothing has changed.")] = False,
    no_canary: Annotated[
        bool, typer.Option("--no-canary", help="Update the services without testing the new version as a canary first.")
    ] = False,
    foundation: Annotated[
        bool,
        typer.Option(
            "--foundation",
            help="Deploy only what GitHub's workflow needs before it builds and deploys the services; needs no docker.",
        ),
    ] = False,
    no_call: Annotated[bool, typer.Option("--no-call", help="Skip the test call.")] = False,
) -> Options:
    """Create or update an environment in AWS."""
    _one_of(context, images, tag)
    return Options(
        environment=environment,
        region=region,
        yes=yes,
        role=role,
        images=images or "",
        tag=tag or "",
        twilio_number=twilio_number or "",
        twilio_fallback_url=twilio_fallback_url,
        twilio_api=context.obj.get("TWILIO_API_BASE_URL") or "https://api.twilio.com",
        address=address,
        call=not no_call,
        canary=not no_canary,
        restart=restart,
        foundation=foundation,
    )


@command("deployment.deploy_plan:work", epilog=_EPILOG)
def deploy_plan(  # noqa: PLR0913 - each is an option
    context: typer.Context,
    *,
    environment: Annotated[str, _environment] = "test",
    region: Annotated[str, _region] = "",
    role: Annotated[str, _role] = "",
    images: Annotated[str | None, _images] = None,
    tag: Annotated[str | None, _tagged] = None,
) -> Options:
    """Show what deploy would change, without changing it."""
    _one_of(context, images, tag)
    return Options(environment, region, yes=False, role=role, images=images or "", tag=tag or "", lenient=True)


@command("deployment.destroy:work", epilog=_EPILOG)
def destroy(
    *,
    environment: Annotated[str, _environment] = "test",
    region: Annotated[str, _region] = "",
    role: Annotated[str, _role] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the environment's name first.")] = False,
    unprotect: Annotated[
        bool, typer.Option("--unprotect", help="With --yes: also delete a protected environment.")
    ] = False,
) -> Options:
    """Delete an environment, newest stack first, and list what remains."""
    return Options(environment, region, yes, role, unprotect=unprotect)


def _one_of(context: typer.Context, images: str | None, tag: str | None) -> None:
    if images is not None and tag is not None:
        raise typer.BadParameter("not allowed with --images", ctx=context, param_hint="--tag")
