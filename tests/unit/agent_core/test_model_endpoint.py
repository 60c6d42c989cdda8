"""Bedrock's endpoint is the one that botocore would use, with the same environment and configuration file."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from agent_core import endpoint
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings

FIPS = {"AWS_USE_FIPS_ENDPOINT": "true"}
DUAL = {"AWS_USE_DUALSTACK_ENDPOINT": "true"}
ANY = {"AWS_ENDPOINT_URL": "https://any.example.com"}
OWN = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://own.example.com:8443/path/"}
UNHEEDED = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
FILE = """
[default]
use_fips_endpoint = true
[profile vpc]
services = mine
[services mine]
bedrock_runtime =
  endpoint_url = https://file.example.com
[profile all]
endpoint_url = https://all.example.com
"""
REGIONS = ("us-east-1", "eu-north-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "xx-new-1")


class _Sent(Exception):
    """Where botocore would have sent a request."""


def _asked_by_botocore(region: str) -> str:
    """Let botocore make a request; return its base URL."""
    session = Session()
    session.set_credentials("key", "secret")
    client: Any = session.create_client("bedrock-runtime", region_name=region)

    def stop(request: AWSPreparedRequest, **_: object) -> None:
        raise _Sent(request.url)

    client.meta.events.register("before-send.bedrock-runtime", stop)
    with pytest.raises(_Sent) as sent:
        client.invoke_model(modelId="m", body=b"{}")
    return str(sent.value).removesuffix("/model/m/invoke").rstrip("/")


@pytest.fixture(autouse=True)
def empty_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide the developer's environment and files; return the configuration file."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "config"
    path.write_text("")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def _set(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("environment", [{}, FIPS, DUAL, FIPS | DUAL], ids=["plain", "fips", "dual", "both"])
@pytest.mark.parametrize("region", REGIONS)
def test_a_region_s_endpoint_is_botocore_s(
    monkeypatch: pytest.MonkeyPatch, region: str, environment: dict[str, str]
) -> None:
    """Each partition, with and without FIPS and IPv6, gets botocore's endpoint: the owner decides where audio goes."""
    _set(monkeypatch, environment)
    try:
        expected = _asked_by_botocore(region)
    except BotoCoreError:
        with pytest.raises(ConfigurationError, match=region):
            endpoint.resolve(region)
    else:
        assert endpoint.resolve(region) == expected
        assert ("-fips." in expected) == bool(FIPS.keys() & environment.keys())


@pytest.mark.parametrize(
    "environment",
    [
        ANY,
        OWN,
        ANY | OWN,
        ANY | {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": ""},
        ANY | UNHEEDED,
        {"AWS_PROFILE": "vpc"},
        {"AWS_PROFILE": "all"},
        {"AWS_PROFILE": "vpc"} | ANY,
        {"AWS_PROFILE": "vpc"} | UNHEEDED,
        {"AWS_PROFILE": "default"},
        FIPS | OWN,
        FIPS | DUAL | ANY,
        {"AWS_PROFILE": "default"} | {"AWS_USE_FIPS_ENDPOINT": "false"},
    ],
    ids=lambda environment: "+".join(f"{name.removeprefix('AWS_')}={value}" for name, value in environment.items()),
)
def test_a_configured_address_is_taken_where_botocore_takes_it(
    monkeypatch: pytest.MonkeyPatch, empty_configuration: Path, environment: dict[str, str]
) -> None:
    """The service's own variable comes first, then the general one, then the file; one switch turns all of them off."""
    empty_configuration.write_text(FILE)
    _set(monkeypatch, environment)
    monkeypatch.setenv("AWS_PROFILE", environment.get("AWS_PROFILE", "all"))
    expected = _asked_by_botocore("us-east-1")
    assert CoreSettings.read().model_endpoint == expected
    assert urlsplit(expected).hostname is not None


def test_what_botocore_refuses_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing profile stops the start in one line; otherwise each call would fail with a model error."""
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(BotoCoreError):
        _asked_by_botocore("us-east-1")
    with pytest.raises(ConfigurationError, match="no Bedrock endpoint in us-east-1"):
        _ = CoreSettings.read().model_endpoint


def test_an_address_in_the_file_of_settings_counts(tmp_path: Path) -> None:
    """A developer can point at a stand-in in .env, which botocore does not read."""
    (tmp_path / ".env").write_text("AWS_ENDPOINT_URL_BEDROCK_RUNTIME=https://localhost:8443/\n")
    assert CoreSettings.read().model_endpoint == "https://localhost:8443"


def test_the_description_of_the_service_is_not_read() -> None:
    """Making a botocore client takes half a second; the endpoint rules are one small file."""
    program = (
        "import sys, pathlib\n"
        "read = []\n"
        "sys.addaudithook(lambda event, args: read.append(str(args[0])) if event == 'open' else None)\n"
        "from agent_core import endpoint\n"
        "before = len(read)\n"
        "endpoint.resolve('us-east-1'); endpoint.resolve('eu-north-1')\n"
        "print([pathlib.Path(name).name for name in read[before:] if 'botocore' in name and '.json' in name])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == str(["endpoint-rule-set-1.json.gz", "partitions.json"])
