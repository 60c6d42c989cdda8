"""The page about the agent's instructions has each file, with the placeholders that the code fills in."""

import re

from agent_core import prompts
from tools.workspace import ROOT

PAGE = ROOT / "docs/howto/change-what-the-agent-says.md"


def test_the_page_has_each_file_with_its_placeholders() -> None:
    """The page has each file and its placeholders."""
    rows = re.findall(r"^\| `(\w+)\.md` \| ([^|]+) \| ([^|]*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: frozenset(re.findall(r"\$(\w+)", places)) for name, _, places in rows} == prompts.PLACEHOLDERS
    assert [name for name, occasion, _ in rows if len(occasion) < 20] == []


def test_the_page_names_settings_that_exist() -> None:
    """Each setting that the page names is in the reference."""
    known = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE))
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE.read_text(encoding="utf-8"))) <= known
