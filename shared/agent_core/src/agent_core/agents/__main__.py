"""Check agents' folders: ``python -m agent_core.agents [FOLDER …] [--json]``, which ``voice-agent check`` runs.

Without a folder, all folders in ``AGENTS_DIR`` are checked. Exit code 0: usable; 1: a folder is not usable.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from agent_core.agents import agent_file, catalogue, folder
from agent_core.agents.agent import Agent
from agent_core.agents.catalogue import AgentCatalogue
from agent_core.agents.folder import FolderContext
from agent_core.agents.review import review
from agent_core.errors import ConfigurationError
from agent_core.settings import CoreSettings


def check(paths: list[Path], root: Path) -> list[dict[str, Any]]:
    """Return for each folder its agent, what is wrong with it, and what could be better.

    Args:
        paths: Folders; none means all in ``root``.
        root: Folder with the agents.

    Raises:
        ConfigurationError: ``root`` is not a folder, or a setting is invalid.
    """
    settings = CoreSettings.read()
    context = FolderContext(settings, settings.variables(), settings.transfer_destinations)
    found, usable = [], []
    for path in paths or catalogue.folders(root):
        try:
            agent = folder.read(path.resolve(), context)
        except ConfigurationError as error:
            found.append({"agent": path.name, "problem": error.reason, "remarks": []})
            continue
        usable.append(agent)
        found.append(_of(agent))
    # What a call could not choose between shows only in all folders together.
    if not paths and usable:
        try:
            AgentCatalogue(usable)
        except ConfigurationError as error:
            found.append({"agent": "", "problem": error.reason, "remarks": []})
    return found


def _of(agent: Agent) -> dict[str, Any]:
    return {
        "agent": agent.id,
        "name": agent.name,
        "version": agent.version,
        "language": agent.language,
        "voice": agent.voice,
        "numbers": list(agent.file.numbers),
        "path": agent.path,
        "people": [person.name for person in agent.people],
        "tools": [tool.spec.name for tool in agent.tools],
        "problem": "",
        "remarks": [{"where": remark.where, "what": remark.what} for remark in review(agent)],
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="voice-agent check", description="Check agents' folders.")
    parser.add_argument("folders", nargs="*", type=Path, help="folders of agents; all in AGENTS_DIR if missing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of agent.yaml")
    options = parser.parse_args(arguments)
    if options.schema:
        print(json.dumps(agent_file.AgentFile.model_json_schema(), indent=2))  # noqa: T201 - a command's result
        return 0
    try:
        found = check(options.folders, CoreSettings.read().agents_dir)
    except ConfigurationError as error:
        print(f"voice-agent check: {error.reason}", file=sys.stderr)  # noqa: T201
        return 1
    print(json.dumps(found, indent=2) if options.json else "\n".join(_lines(found)))  # noqa: T201
    return int(any(one["problem"] for one in found))


def _lines(found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for one in found:
        if one["problem"]:
            lines.append(f"✗ {one['agent'] or 'all agents'}")
            lines += [f"    {problem}" for problem in one["problem"].split("; ")]
            continue
        numbers = ", ".join(one["numbers"]) or "no number of its own"
        lines.append(f"✓ {one['agent']}  {one['name']}, {one['language']}, voice {one['voice']}")
        lines.append(f"    answers {numbers} and {one['path']}; tools: {', '.join(one['tools'])}")
        lines += [f"    ! {remark['where']}: {remark['what']}" for remark in one["remarks"]]
    return lines or ["No agent was found."]


if __name__ == "__main__":
    sys.exit(main())
