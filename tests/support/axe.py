"""Run axe-core in a page of the browser that the tests drive."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "services/webrtc-agent/client/node_modules/axe-core/axe.min.js"

type Rules = Mapping[str, Any]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL: Rules = MappingProxyType({"runOnly": _TAGS})
"""WCAG 2.2, levels A and AA, and axe's best practices."""
COLOURS: Rules = MappingProxyType({"runOnly": {"type": "rule", "values": ["color-contrast"]}})
"""Rules whose result a colour scheme can change."""
SHAPE: Rules = MappingProxyType({"runOnly": _TAGS, "rules": {"color-contrast": {"enabled": False}}})
"""Rules whose result a window size can change: contrast takes longest, and does not depend on the window."""

_RUN = """
async (options) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...options });
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => [id, html.slice(0, 160), any[0]?.message ?? ""]));
  const width = document.documentElement.scrollWidth;
  return width > innerWidth ? [...found, ["side-scroll", "", `${width} px`]] : found;
}
"""


async def violations(page: Page, rules: Rules = ALL) -> list[list[str]]:
    """Return the page's violations: rule, element, reason. Horizontal scrolling is one too."""
    if not await page.evaluate("() => typeof axe === 'object'"):
        assert AXE.is_file(), "axe-core is not installed: run make lint"
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(await page.evaluate(_RUN, dict(rules)))
