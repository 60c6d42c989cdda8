"""The CloudFormation templates as written: linted, bounded, explained, and short."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from tests.support.given import refused
from tests.support.templates import TEMPLATES, read


def name(path: Path) -> str:
    """Return a template's name for a test's ID."""
    return path.stem


def lint(path: Path) -> list[str]:
    """Return the linter's findings in the supported regions."""
    regions = ["us-east-1"] if path.stem == "budget" else ["eu-north-1", "us-east-1"]
    return [str(match) for match in lint_file(path, config=ManualArgs(regions=regions))]


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_the_linter_finds_nothing(path: Path) -> None:
    """The linter finds nothing, and no rule is switched off."""
    assert lint(path) == []
    assert "cfn-lint" not in path.read_text()


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_parameter_is_described_and_bounded(path: Path) -> None:
    """Every parameter has a description and bounds, because a wrong value costs a failed deployment."""
    for key, parameter in read(path.read_text())["Parameters"].items():
        bounded = parameter["Type"].startswith(("AWS::", "List<AWS::")) or "AllowedPattern" in parameter
        bounded |= "AllowedValues" in parameter or {"MinValue", "MaxValue"} <= parameter.keys()
        assert bounded, key
        assert parameter["Description"].endswith("."), key


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_resource_says_why_it_is_there(path: Path) -> None:
    """Every resource has a comment that says why it exists."""
    text = path.read_text()
    silent = [key for key in read(text)["Resources"] if not re.search(rf"^  # .*\n  {key}:$", text, re.MULTILINE)]
    assert silent == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_can_be_read_at_one_sitting(path: Path) -> None:
    """A template is short enough to read at once."""
    assert len(path.read_text().splitlines()) < 300


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_parameter_means_the_same_in_every_template(path: Path) -> None:
    """A parameter has the same type, default and bounds in every template, because one file serves all."""
    said = ("Type", "Default", "AllowedPattern", "AllowedValues", "MinValue", "MaxValue")
    for key, parameter in read(path.read_text())["Parameters"].items():
        for other in TEMPLATES:
            same = read(other.read_text())["Parameters"].get(key, parameter)
            assert {word: same.get(word) for word in said} == {word: parameter.get(word) for word in said}, key


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_attributes_have_names_that_aws_knows(path: Path) -> None:
    """Attributes have names that AWS knows, which the linter does not check."""
    known = {
        "access_logs.s3.bucket",
        "access_logs.s3.enabled",
        "deletion_protection.enabled",
        "deregistration_delay.timeout_seconds",
        "idle_timeout.timeout_seconds",
        "load_balancing.algorithm.type",
        "routing.http.desync_mitigation_mode",
        "routing.http.drop_invalid_header_fields.enabled",
        "routing.http.preserve_host_header.enabled",
        "routing.http.xff_header_processing.mode",
        "stickiness.enabled",
        "stickiness.lb_cookie.duration_seconds",
        "stickiness.type",
    }
    assert set(re.findall(r"\{Key: ([a-z][\w.]+),", path.read_text())) <= known


ALONE = {
    "CertificateArn": "arn:aws:acm:eu-north-1:123456789012:certificate/0a1b2c3d",
    "DomainName": "agent.example.com",
    "HostedZoneId": "Z0123456",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_what_needs_another_parameter_is_refused_alone(path: Path) -> None:
    """CloudFormation itself rejects a parameter without the other that it needs."""
    template = read(path.read_text())
    for key, value in ALONE.items():
        if {"CertificateArn", "DomainName", "HostedZoneId", key} <= template["Parameters"].keys():
            assert [why for why in refused(template, {key: value}) if key in why], key


def allowed(memory: dict[str, Any]) -> set[int]:
    """Return the memory sizes that the linter's schema allows for a CPU size."""
    if "enum" in memory:
        return set(memory["enum"])
    return set(range(memory["minimum"], memory["maximum"] + 1, memory["multipleOf"]))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_task_has_a_size_that_fargate_has(path: Path) -> None:
    """A task has a size that Fargate offers, by AWS's table in the linter."""
    schemas = Path(cfnlint.__file__).parent / "data/schemas/extensions/aws_ecs_taskdefinition"
    table = json.loads((schemas / "fargate_cpu_memory.json").read_text())
    pairs = [one["properties"] for one in table["then"]["anyOf"]]
    sizes = {int(one["Cpu"]["then"]["enum"][0]): allowed(one["Memory"]["then"]) for one in pairs}
    template = read(path.read_text())
    parameters = template["Parameters"]
    if not {"Cpu", "Memory"} <= parameters.keys():
        return
    given = {"ServiceName": "web", "ImageTag": "v1", "PublicBaseUrl": "https://agent.example.com"}
    for cpu, memory in product(*(parameters[key]["AllowedValues"] for key in ("Cpu", "Memory"))):
        refusal = refused(template, {**given, "Cpu": str(cpu), "Memory": str(memory)})
        assert bool(refusal) is (memory not in sizes[cpu]), (cpu, memory)
