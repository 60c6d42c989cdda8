"""Fenced commands: a test runs each or the fence says why not, and settings in a fence exist."""

import re

from agent_core.settings import CoreSettings
from phone_agent.settings import PhoneSettings
from tests.support.doc_commands import EXCLUDED, Fence, fences, pages, shell_fences
from tools.workspace import ROOT
from webrtc_agent.settings import WebSettings

SHELL_FENCES = shell_fences()
SETTINGS = {name.upper() for owner in (CoreSettings, PhoneSettings, WebSettings) for name in owner.model_fields}
CLOUD = r"\b(aws|deploy|deploy-plan|destroy|doctor|output|imagetools|DesiredCount|https://…|AWS_|amazonaws)"
SHOWS = {
    "account": CLOUD,
    "docker": r"\bdocker\b",
    "yours": r"…|my_bot",
    "ci": r"\bmake (test|test-all|test-rest|lint|environment|page)\b|\.ci/run",
    "network": r"\buvx\b|git clone https://",
}
"""What a fence with this label contains; any other label is a mistake."""


def problem(fence: Fence) -> str | None:
    """Return what is wrong with a fence of shell commands; None if it is correct."""
    if fence.language != "sh":
        return f"is marked {fence.language}; shell commands are marked sh"
    if fence.label and fence.label not in EXCLUDED:
        return f"has the label {fence.label}; the labels are {', '.join(EXCLUDED)}"
    if fence.label and not re.search(SHOWS[fence.label], fence.text):
        return f"has the label {fence.label}, but nothing in it {EXCLUDED[fence.label]}"
    return None


def test_shell_commands_are_run_or_say_why_not() -> None:
    """Shell commands are marked `sh`, alone or with a label that fits its commands."""
    assert len(SHELL_FENCES) > 30
    assert [f"{fence.place} {wrong}" for fence in SHELL_FENCES if (wrong := problem(fence))] == []


def test_a_wrong_fence_is_found() -> None:
    """A wrong fence is found: another language, an unknown label, or a label that does not fit."""
    marks = [("bash", ""), ("sh", "never"), ("sh", "docker")]
    assert all(problem(Fence(ROOT / "README.md", 1, *mark, "make run\n")) for mark in marks)
    assert problem(Fence(ROOT / "README.md", 1, "sh", "", "make run\n")) is None


def test_settings_in_a_fence_are_settings() -> None:
    """A fence marked `dotenv` contains only existing settings."""
    shown = [fence for page in pages() for fence in fences(page) if fence.language == "dotenv"]
    lines = [(fence.place, line) for fence in shown for line in fence.text.splitlines() if line.strip()]
    assert len(lines) >= 6
    assert [(place, line) for place, line in lines if line.partition("=")[0] not in SETTINGS] == []


def test_every_label_is_explained_to_writers() -> None:
    """CONTRIBUTING.md lists the labels with their reasons."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [label for label in EXCLUDED if f"`sh {label}`" not in text] == []
