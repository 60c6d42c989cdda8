"""docs/howto/run-nova-sonic-locally.md shows only what the stand-in accepts."""

import re
import shlex
from itertools import pairwise

import pytest
import yaml

from standins import alias
from standins.nova import __main__ as nova
from standins.nova.local_authority import NAMES, REGIONS
from tests.support.doc_commands import commands
from tools.workspace import ROOT

PAGE = (ROOT / "docs/howto/run-nova-sonic-locally.md").read_text()
COMPOSE = yaml.safe_load("".join(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)))
COMMANDS = commands(PAGE).replace("\\\n", " ").splitlines()


def options_after(word: str) -> list[list[str]]:
    """Return what follows a word in each command of the page."""
    split = [shlex.split(command, comments=True) for command in COMMANDS]
    return [command[command.index(word) + 1 :] for command in split if word in command]


def test_the_stand_in_takes_the_options_that_are_shown() -> None:
    """The stand-in accepts the options that the page shows, also in Compose."""
    shown = [*options_after("standins.nova"), COMPOSE["services"]["nova"]["command"][1:]]
    assert len(shown) == 3
    for options in shown:
        nova.arguments().parse_args(options)


def test_the_alias_takes_the_options_that_are_shown() -> None:
    """The alias accepts the options that the page shows, with the stand-in's default port."""
    (options,) = options_after("standins.alias")
    assert alias.arguments().parse_args(options).to == nova.arguments().parse_args([]).port


def test_compose_gives_a_name_that_the_certificate_has() -> None:
    """Compose uses a name that the certificate has, the client's region, and the mounted authority's files."""
    services = COMPOSE["services"]
    region = services["bot"]["environment"]["AWS_REGION"]
    assert services["nova"]["networks"]["default"]["aliases"] == [f"bedrock-runtime.{region}.amazonaws.com"]
    assert services["nova"]["networks"]["default"]["aliases"][0] in NAMES
    folder = dict(pairwise(services["nova"]["command"]))["--certs"]
    assert [volume.split(":")[1] for service in services.values() for volume in service["volumes"]] == [folder, folder]
    assert services["bot"]["environment"]["SSL_CERT_FILE"] == f"{folder}/bundle.pem"
    assert services["bot"]["environment"]["NODE_EXTRA_CA_CERTS"] == f"{folder}/ca.pem"


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_is_named(region: str) -> None:
    """The page names every region of the certificate, because a client rejects any other."""
    assert f"`{region}`" in PAGE or f"AWS_REGION={region}" in PAGE


def test_the_versions_are_those_that_are_tested() -> None:
    """The page's versions are the tested ones."""
    locks = "\n".join(path.read_text() for path in sorted((ROOT / "requirements").glob("*.txt")))
    node = (ROOT / "tests/third_party/clients/node/package.json").read_text()
    for package, row in (
        ("aws-sdk-bedrock-runtime", "AWS SDK for Python"),
        ("pipecat-ai", "Pipecat"),
        ("livekit-agents", "LiveKit Agents"),
        ("strands-agents", "Strands Agents"),
    ):
        (tested,) = re.findall(rf"^\| {row} \| ([^|]+) \|", PAGE, re.MULTILINE)
        for version in re.findall(r"[\d.]+", tested):
            assert re.search(rf"^{package}(\[[\w,-]+\])?=={re.escape(version)}\.", locks, re.MULTILINE), (
                package,
                version,
            )
    (tested,) = re.findall(r"^\| AWS SDK for JavaScript \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert f'client-bedrock-runtime": "{tested.strip()}.' in node
