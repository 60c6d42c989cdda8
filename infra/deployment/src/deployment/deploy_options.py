"""The options of `voice-agent deploy`, `deploy-plan` and `destroy`; each is a variable of `make` too."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployment.images import is_tag

_EPILOG: Final = """\
Credentials are found as every AWS tool finds them: AWS_PROFILE, AWS_ACCESS_KEY_ID, a role. The region is the
environment's own (infra/environments). Whatever ends a run, the same command goes on from there.
Exit code: 0 done, 1 not done, 2 wrong usage.
"""


@dataclass(frozen=True)
class Options:
    """What is to be done, checked."""

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
    """List a line of the environment's file that says nothing among the checks, instead of stopping at it."""
    foundation: bool = False
    unprotect: bool = False


def read_deploy(arguments: Sequence[str], env: Mapping[str, str] = os.environ) -> Options:
    """Read the options of `deploy`; wrong usage ends the program with code 2."""
    parser = _parser("deploy", "Bring an environment up to date, or make it.")
    _add_images(parser)
    add = parser.add_argument
    add("--yes", action="store_true", help="make the changes that are shown without asking")
    add(
        "--twilio-number",
        type=_number,
        default=argparse.SUPPRESS,
        metavar="NUMBER",
        help="let this number call the agent, such as +46…",
    )
    add(
        "--twilio-fallback-url",
        default="",
        metavar="URL",
        help="what Twilio asks when nobody answers: a TwiML Bin's address",
    )
    add("--address", default="", metavar="URL", help="prove it works at this address, where its name is not known yet")
    add("--restart", action="store_true", help="start all tasks anew, also where nothing has changed")
    add(
        "--no-canary",
        dest="canary",
        action="store_false",
        help="change the services without trying the new version at one task first",
    )
    add(
        "--foundation",
        action="store_true",
        help="stop before images and services: GitHub builds and releases those, and needs no docker here",
    )
    add("--no-call", dest="call", action="store_false", help="do not call it afterwards")
    given = vars(parser.parse_args(arguments))
    return Options(**given, twilio_api=env.get("TWILIO_API_BASE_URL") or "https://api.twilio.com")


def read_plan(arguments: Sequence[str]) -> Options:
    """Read the options of `deploy-plan`."""
    parser = _parser("deploy-plan", "Show what `deploy` would do. Nothing is changed and nothing is left behind.")
    _add_images(parser)
    return Options(**vars(parser.parse_args(arguments)), yes=False, lenient=True)


def read_destroy(arguments: Sequence[str]) -> Options:
    """Read the options of `destroy`."""
    parser = _parser("destroy", "Take an environment away, newest stack first. Says what stays.")
    parser.add_argument("--yes", action="store_true", help="do not ask for the environment's name first")
    parser.add_argument("--unprotect", action="store_true", help="with --yes: delete also what is protected")
    return Options(**vars(parser.parse_args(arguments)))


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"voice-agent {command}",
        description=description,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--environment", default="test", metavar="NAME", help="a file of infra/environments (default: test)"
    )
    parser.add_argument("--region", default="", help="instead of the environment's own")
    parser.add_argument("--role", default="", metavar="ARN", help="what CloudFormation acts as, instead of as you do")
    return parser


def _add_images(parser: argparse.ArgumentParser) -> None:
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--images", type=_tag, default=argparse.SUPPRESS, metavar="TAG", help="deploy images that were pushed before"
    )
    choice.add_argument(
        "--tag", type=_tag, default=argparse.SUPPRESS, help="name the images so, instead of by the commit"
    )


def _tag(text: str) -> str:
    if not is_tag(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no tag: letters, digits, and _ . - after the first")
    return text


def _number(text: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as +46701234567")
    return text
