"""The documentation: valid links, complete indexes, matching versions, plain words."""

import re
import tomllib
from functools import cache
from pathlib import Path

from tools.workspace import ROOT, members

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
CHANGELOG = ROOT / "CHANGELOG.md"
UNUSUAL = re.compile(
    r"\b(whoever|nobody|somebody|anybody|whom|is told|are told|is believed|for ever|go on|goes on|by itself|turned away"
    r"|pretend|pretended|mended?)\b",
    re.IGNORECASE,
)
"""Words that a search for the field's terms does not find; see docs/glossary.md."""
QUOTED = re.compile(r"^```.*?^```|`[^`]*`|\"[^\"]*\"|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
WRITTEN_ELSEWHERE = {"settings.md", "end-records.md", "metrics.md", "errors.md", "nova-standin.md", "http-api.md"}
WRITTEN_ELSEWHERE |= {"faults.md", "causes.md", "README.md", "CONTRIBUTING.md", "AGENTS.md"}
"""Pages whose words come from the code, or for which another page's rules apply."""


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub creates them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found.append(anchor if anchor not in found else f"{anchor}-{found.count(anchor)}")
    return frozenset(found)


def links(page: Path) -> list[str]:
    """Return the relative links of a page, outside of code."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def leads_nowhere(page: Path, link: str) -> bool:
    """Return whether the file of a link, or the heading in it, is missing."""
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    return not target.exists() or (bool(anchor) and target.suffix == ".md" and anchor not in anchors(target))


def test_every_link_and_anchor_leads_somewhere() -> None:
    """Every link leads to an existing file and heading, also after a rename."""
    broken = [
        (str(page.relative_to(ROOT)), link) for page in PAGES for link in links(page) if leads_nowhere(page, link)
    ]
    assert broken == []


def test_the_index_leads_to_every_page() -> None:
    """The index leads to every page, directly or through the index of the decisions."""
    reached = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "index.md")}
    apart = {*(DOCS / "decisions").glob("*.md"), DOCS / "index.md"}
    assert sorted({*DOCS.rglob("*.md")} - apart - reached) == []


def test_each_decision_has_its_status_its_date_and_its_row() -> None:
    """The index repeats the title, status and date of each decision, and numbers have no gap."""
    rows = []
    for expected, page in enumerate(DECISIONS, start=1):
        head = re.match(
            r"# (\d+)\. (.+)\n\n- Status: ((?:proposed|accepted|superseded by).*)\n- Date: (\d{4}-\d\d-\d\d)\n",
            page.read_text(encoding="utf-8"),
        )
        assert head, page.name
        number, title, status, date = head.groups()
        assert page.name.startswith(f"{expected:04}-")
        assert int(number) == expected
        rows.append(f"| {number} | [{title}]({page.name}) | {status} | {date} |")
    index = (DOCS / "decisions/README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in index if re.match(r"\| \d", line)] == rows


def test_the_glossary_has_each_term_once() -> None:
    """The glossary has each term once."""
    rows = re.findall(r"^\| ([a-z][^|]+?) \| [A-Z]", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 60
    assert sorted({row for row in rows if rows.count(row) > 1}) == []


def test_all_members_have_the_version_of_the_changelog() -> None:
    """All members have the changelog's version, and require it of each other."""
    text = CHANGELOG.read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert released == sorted(released, key=lambda one: [int(part) for part in one.split(".")], reverse=True)
    projects = [tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"] for member in members()]
    assert {project["version"] for project in projects} == {released[0]}
    names = {project["name"] for project in projects}
    wanted = [need.partition("==") for project in projects for need in project["dependencies"]]
    assert {version for name, _, version in wanted if name in names} <= {released[0]}


def test_every_source_file_that_a_page_names_exists() -> None:
    """A name such as `nova/renewal.py` is the end of a path, also after a rename. A tour of the code depends on it."""
    paths = [f"/{path.relative_to(ROOT)}" for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts]
    named = {
        (str(page.relative_to(ROOT)), name)
        for page in PAGES
        if page != CHANGELOG
        for name in re.findall(r"`([\w./-]+\.py)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert sorted(one for one in named if not any(path.endswith(f"/{one[1]}") for path in paths)) == []


def test_no_page_uses_a_name_that_was_renamed() -> None:
    """A page uses the new name of each setting, log event, metric and end reason: queries need it."""
    text = CHANGELOG.read_text(encoding="utf-8").partition("<!-- renames: begin")[2].partition("<details>")[0]
    old_names = set(re.findall(r"^\| `(\w+)(?: \(field\))?` \| `", text, re.MULTILINE))
    assert {"PHRASES_FOLDER", "call_turned_away", "LostAudio", "failed"} <= old_names
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES if page != CHANGELOG}
    found = [
        (str(page.relative_to(ROOT)), name)
        for page, text in texts.items()
        for name in re.findall(r"(?<=[`\"])\w+(?=[`\"=])", text)
        if name in old_names
    ]
    assert found == []


def test_a_page_says_who_does_what() -> None:
    """A page names roles and actors, and uses the field's words."""
    found = [
        (str(page.relative_to(ROOT)), word)
        for page in PAGES
        if page.name not in WRITTEN_ELSEWHERE
        for word in UNUSUAL.findall(QUOTED.sub("", page.read_text(encoding="utf-8")))
    ]
    assert found == []
