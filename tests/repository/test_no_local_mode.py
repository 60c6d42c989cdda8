"""The services have no local mode: only their settings decide what they connect to."""

import ast
from pathlib import Path

import pytest

from agent_core.settings import CoreSettings, DeploymentEnvironment

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for folder in ("shared", "services") for path in (ROOT / folder).glob("*/src/**/*.py"))


def test_without_an_endpoint_the_model_is_bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an endpoint the model is Bedrock, so one variable alone selects the stand-in."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", raising=False)
    monkeypatch.setenv("NOVA_SONIC_REGION", "eu-north-1")
    for environment in DeploymentEnvironment:
        monkeypatch.setenv("ENVIRONMENT", environment)
        assert CoreSettings.read().model_endpoint == "https://bedrock-runtime.eu-north-1.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://localhost:8443")
    assert CoreSettings.read().model_endpoint == "https://localhost:8443"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_depends_on_the_environment_s_name(path: Path) -> None:
    """`ENVIRONMENT` only labels logs and metrics, so that tests and production run the same code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Compare | ast.Match | ast.BoolOp):
            head = node.subject if isinstance(node, ast.Match) else getattr(node, "test", node)
            names = {inner.attr for inner in ast.walk(head) if isinstance(inner, ast.Attribute)}
            names |= {inner.id for inner in ast.walk(head) if isinstance(inner, ast.Name)}
            assert not names & {"environment", "Environment"}, ast.unparse(head)
