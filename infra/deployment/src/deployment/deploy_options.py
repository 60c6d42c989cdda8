"""Options of `voice-agent deploy`, `deploy-plan` and `destroy`; each is also a variable of the make target."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployment.images import is_tag

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


def read_deploy(arguments: Sequence[str], env: Mapping[str, str] = os.environ) -> Options:
    """Parse the options of `deploy`; wrong usage exits with code 2."""
    parser = _parser("deploy", "Create or update an environment.")
    _add_images(parser)
    add = parser.add_argument
    add("--yes", action="store_true", help="apply the changes without asking")
    add(
        "--twilio-number",
        type=_number,
        # Without a default, so that Options has its own.
        default=argparse.SUPPRESS,
        metavar="NUMBER",
        help="point this phone number at the deployment, such as +46…",
    )
    add(
        "--twilio-fallback-url",
        default="",
        metavar="URL",
        help="fallback URL of the number, for when the deployment does not answer: a TwiML Bin's URL",
    )
    add("--address", default="", metavar="URL", help="run the smoke test against this URL (DNS not propagated yet)")
    add("--restart", action="store_true", help="replace all tasks, even if nothing has changed")
    add(
        "--no-canary",
        dest="canary",
        action="store_false",
        help="update the services without testing the new version as a canary first",
    )
    add(
        "--foundation",
        action="store_true",
        help="deploy only what GitHub's workflow needs before it builds images and deploys services; needs no docker",
    )
    add("--no-call", dest="call", action="store_false", help="skip the test call")
    given = vars(parser.parse_args(arguments))
    # A variable and not an option: only tests and the stand-in need another address.
    return Options(**given, twilio_api=env.get("TWILIO_API_BASE_URL") or "https://api.twilio.com")


def read_plan(arguments: Sequence[str]) -> Options:
    """Parse the options of `deploy-plan`."""
    parser = _parser("deploy-plan", "Show what `deploy` would change, without changing it.")
    _add_images(parser)
    return Options(**vars(parser.parse_args(arguments)), yes=False, lenient=True)


def read_destroy(arguments: Sequence[str]) -> Options:
    """Parse the options of `destroy`."""
    parser = _parser("destroy", "Delete an environment, newest stack first, and list what remains.")
    parser.add_argument("--yes", action="store_true", help="do not ask for the environment's name first")
    parser.add_argument("--unprotect", action="store_true", help="with --yes: also delete a protected environment")
    return Options(**vars(parser.parse_args(arguments)))


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"voice-agent {command}",
        description=description,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # An abbreviation that is unique today may be ambiguous with the next option.
        allow_abbrev=False,
    )
    parser.add_argument(
        "--environment", default="test", metavar="NAME", help="name of a file in infra/environments (default: test)"
    )
    parser.add_argument("--region", default="", help="override the environment's region")
    parser.add_argument("--role", default="", metavar="ARN", help="role that CloudFormation assumes (default: yours)")
    return parser


def _add_images(parser: argparse.ArgumentParser) -> None:
    # --images deploys what exists, --tag names what is built: both together make no sense.
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--images", type=_tag, default=argparse.SUPPRESS, metavar="TAG", help="deploy images that have been pushed"
    )
    choice.add_argument("--tag", type=_tag, default=argparse.SUPPRESS, help="tag of the images (default: the commit)")


def _tag(text: str) -> str:
    if not is_tag(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a tag: letters, digits, and _ . - after the first")
    return text


def _number(text: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a phone number such as +46701234567")
    return text
