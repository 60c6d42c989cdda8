"""A certificate file that the environment names exists and holds certificates, or the service stops with the reason."""

from pathlib import Path

import certifi
import pytest

from agent_core.certificates import check_certificates
from agent_core.errors import ConfigurationError


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
def test_a_file_of_certificates_has_to_be_there(tmp_path: Path, name: str) -> None:
    """The program that writes the file may not have started yet: one sentence names the variable and the file."""
    with pytest.raises(ConfigurationError, match=f"{name}: .*bundle.pem cannot be read .No such file"):
        check_certificates({name: str(tmp_path / "bundle.pem")})


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    """A half-written file, or one of another kind, stops the service."""
    path = tmp_path / "bundle.pem"
    path.write_text("# nothing yet\n")
    with pytest.raises(ConfigurationError, match="holds no certificates"):
        check_certificates({"SSL_CERT_FILE": str(path)})


def test_certificates_are_taken_and_none_are_needed() -> None:
    """A file with certificates is accepted, and an empty variable names no file."""
    check_certificates({"SSL_CERT_FILE": certifi.where(), "AWS_CA_BUNDLE": ""})
    check_certificates({})
