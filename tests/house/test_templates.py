"""The CloudFormation templates: taken by the linter, with every parameter described and every resource explained."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from tools.workspace import ROOT

TEMPLATES = sorted((ROOT / "infra/cloudformation").glob("*.yaml"))


class Loader(yaml.SafeLoader):
    """Reads a template without understanding its functions."""


Loader.add_multi_constructor("!", lambda *_: None)


def body(path: Path) -> dict[str, Any]:
    """Read a template."""
    read: dict[str, Any] = yaml.load(path.read_text(), Loader)  # noqa: S506 - a SafeLoader
    return read


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.stem))
def test_the_linter_finds_nothing(path: Path) -> None:
    """Unknown properties, wrong references, values out of range: in the regions that the product is meant for."""
    found = lint_file(path, config=ManualArgs(regions=["eu-north-1", "us-east-1"]))
    assert [str(match) for match in found] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.stem))
def test_every_parameter_is_described_and_bounded(path: Path) -> None:
    """A person fills them in, and a wrong one costs a failed deployment."""
    for name, parameter in body(path)["Parameters"].items():
        bounded = parameter["Type"].startswith(("AWS::", "List<AWS::")) or "AllowedPattern" in parameter
        bounded |= "AllowedValues" in parameter or {"MinValue", "MaxValue"} <= parameter.keys()
        assert bounded, name
        assert parameter["Description"].endswith("."), name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.stem))
def test_every_resource_says_why_it_is_there(path: Path) -> None:
    """A comment stands above each one."""
    text = path.read_text()
    silent = [name for name in body(path)["Resources"] if not re.search(rf"^  # .*\n  {name}:$", text, re.MULTILINE)]
    assert silent == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.stem))
def test_attributes_have_names_that_aws_knows(path: Path) -> None:
    """The linter does not read them, and a misspelt one fails only at deployment."""
    known = {
        "access_logs.s3.bucket",
        "access_logs.s3.enabled",
        "deregistration_delay.timeout_seconds",
        "idle_timeout.timeout_seconds",
        "load_balancing.algorithm.type",
        "routing.http.desync_mitigation_mode",
        "routing.http.drop_invalid_header_fields.enabled",
        "routing.http.preserve_host_header.enabled",
        "routing.http.xff_header_processing.mode",
    }
    assert set(re.findall(r"\{Key: ([a-z][\w.]+),", path.read_text())) <= known
