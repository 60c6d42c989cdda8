"""The reference pages and `.env.example` match the code."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent_core.settings import CoreSettings
from phone_agent.settings import PhoneSettings
from tools import reference, reference_agents, reference_http, state_diagram
from tools.workspace import ROOT
from webrtc_agent.settings import WebSettings

PAGES = reference.pages() | reference_agents.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_is_current(path: Path) -> None:
    """The page has each setting, reason and error; `python -m tools.reference` renews it."""
    assert path.read_text(encoding="utf-8") == PAGES[path]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_nothing_is_left_unexplained(path: Path) -> None:
    """Every name in the tables has an explanation."""
    rows = [line for line in PAGES[path].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.rstrip(" |").rpartition("|")[2].strip() in ("", "-")] == []


def test_the_page_of_routes_is_current() -> None:
    """The page has each route, and OpenAPI stays off in production."""
    assert reference_http.PAGE.read_text(encoding="utf-8") == reference_http.http_page()
    assert [app().openapi_url for app in (reference_http.phone_app, reference_http.web_app)] == [None, None]


def test_the_state_diagram_is_current(tmp_path: Path) -> None:
    """The architecture page shows the phases that the code has; `python -m tools.state_diagram` renews it."""
    assert state_diagram.is_current()
    other = tmp_path / "page.md"
    other.write_text(state_diagram.PAGE.read_text(encoding="utf-8").replace("talking -->", "speaking -->"))
    assert not state_diagram.is_current(other)


EXAMPLE = ROOT / ".env.example"
ACCOUNT = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "t"}


@pytest.mark.parametrize(("service", "given"), [(PhoneSettings, ACCOUNT), (WebSettings, {})])
def test_the_example_of_an_env_file_has_the_defaults(
    tmp_path: Path, service: type[CoreSettings], given: dict[str, str]
) -> None:
    """`.env.example` has the services' defaults, so that without its # signs it changes nothing."""
    lines = EXAMPLE.read_text(encoding="utf-8").replace("#MAX_SESSIONS=", "# MAX_SESSIONS=").splitlines()
    filled = tmp_path / ".env"
    filled.write_text(
        "\n".join(line.removeprefix("#") for line in lines if re.match(r"#[A-Z]", line)), encoding="utf-8"
    )
    read: type[Any] = service  # mypy does not know the argument that pydantic-settings adds
    assert read(_env_file=filled, **given) == read(_env_file=None, **given)


def test_the_example_of_an_env_file_has_each_setting_once_with_one_line() -> None:
    """`.env.example` has each setting once, with its explanation above it."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    named = [line[1:].partition("=")[0] for line in lines if re.match(r"#[A-Z]", line)]
    assert sorted(named) == sorted(
        {name.upper() for owner in (CoreSettings, PhoneSettings, WebSettings) for name in owner.model_fields}
    )
    for before, line in pairwise(lines):
        if re.match(r"#[A-Z]", line):
            assert re.fullmatch(r"# \S.*[.:)]", before), before
    assert [line for line in lines if line and not line.startswith("#")] == []
