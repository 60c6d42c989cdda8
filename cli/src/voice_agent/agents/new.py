"""Create an agent's folder from a few answers; what it writes passes `voice-agent check` and `voice-agent rehearse`."""

import re
import shutil
import sys
from collections.abc import Callable
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import yaml

from voice_agent.agents.flows import FlowRefusedError, ImportedFlow, read_flow, stages_text
from voice_agent.agents.options import NewRequest

_FOLDER: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PERSON: Final = re.compile(r"(tel:\+[1-9][0-9]{6,14}|sips?:\S+@\S+|client:[A-Za-z0-9_.-]+|)")
_ANSWER_CHARACTERS: Final = 200
_TRIES: Final = 3


_GOODBYE: Final = """- rehearsal: goodbye
  says: thank you goodbye
  expect: {tool: end_call, ends: true}
"""


class Refused(Exception):
    """The folder cannot be created; the text says why and what to do."""


def new(request: NewRequest, ask: Callable[[str], str] | None = None) -> int:
    """Create the folder, and print what to do next; return the exit code.

    Args:
        request: The options.
        ask: Asks the user a question; by default the terminal, if there is one.
    """
    if ask is None and sys.stdin.isatty():
        ask = input
    try:
        made = create(request, ask)
    except Refused as error:
        print(f"voice-agent new: {error}", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print("\nNothing was created.", file=sys.stderr)
        return 130
    print(f"Created {made}.")
    print(f"  voice-agent check {made}     check what you change")
    print(f"  voice-agent rehearse {made}  speak its rehearsals")
    print("  make run                     start everything; the banner shows its number and page")
    return 0


def create(request: NewRequest, ask: Callable[[str], str] | None) -> Path:
    """Create the folder and return its path.

    Raises:
        Refused: an answer is not usable, or the folder exists.
    """
    folder = request.agents / request.folder
    if not _FOLDER.fullmatch(request.folder):
        raise Refused(f"{request.folder!r}: a folder's name has lower-case letters, digits and -, such as bella")
    if folder.exists():
        raise Refused(f"{folder} exists; choose another name, or change that one")
    # Before the first question: an answer that leads nowhere is a waste of time.
    source = _source(request)
    flow = _flow(request)
    default_name = request.folder.replace("-", " ").title()
    name = _answer(request.name, ask, "On whose behalf does it speak?", default_name)
    language = _answer(request.language, ask, "Which language does it speak?", "en-US", _language)
    purpose = _answer(request.purpose, ask, "What does it do, in one sentence?", "Takes messages.")
    number = _answer(request.number, ask, "Which number does it answer?", _free_number(request.agents), _number)
    person = _answer(
        request.person, ask, "Which person does key 0 call? (tel:+… or sip:…, empty for none)", "", _person
    )
    with as_file(source) as template:
        # A copy is complete or absent: a half-written folder would be reported as broken at the next call.
        draft = request.agents / f".{request.folder}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template, draft, ignore=shutil.ignore_patterns("__pycache__", "page", "tests"))
    _fill(draft, request, name=name, language=language, purpose=purpose, number=number, person=person)
    if flow is not None:
        _take(draft, flow)
    # One step: a service that reads the folders meanwhile sees all of it or nothing.
    draft.rename(folder)
    return folder


def _source(request: NewRequest) -> Traversable:
    if request.template == "blank":
        return files("voice_agent.agents") / "blank"
    chosen = request.agents / request.template
    if not (chosen / "agent.yaml").is_file():
        known = sorted(path.parent.name for path in request.agents.glob("*/agent.yaml"))
        raise Refused(f"there is no template {request.template}; choose blank or one of {', '.join(known)}")
    return chosen


def _flow(request: NewRequest) -> ImportedFlow | None:
    if request.flow is None:
        return None
    if request.template != "blank":
        raise Refused("a flow brings its own stages; leave out --template")
    try:
        return read_flow(request.flow)
    except FlowRefusedError as error:
        raise Refused(str(error)) from None


def _take(draft: Path, flow: ImportedFlow) -> None:
    """Replace what the template does by what the flow does."""
    file = draft / "agent.yaml"
    # Questions, opening hours and settings belong to the template's own tool.
    _change(file, {}, drop=("page", "opening_hours", "environment"))
    file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n{stages_text(flow.stages)}", encoding="utf-8")
    role = f"## What you do\n{flow.instructions or '- You answer for ${name}.'}\n"
    (draft / "instructions.md").write_text(role, encoding="utf-8")
    if flow.tools:
        (draft / "tools.py").write_text(flow.tools, encoding="utf-8")
    else:
        (draft / "tools.py").unlink()
    (draft / "rehearsals" / "first.yaml").write_text(_GOODBYE, encoding="utf-8")
    print("The nodes are stages now; docs/howto/divide-a-conversation-into-stages.md explains them. Still to do:")
    for line in flow.left or ["nothing: write rehearsals, and hear it"]:
        print(f"  - {line}")


def _fill(draft: Path, request: NewRequest, **answers: str) -> None:
    if request.template == "blank":
        for path in [each for each in draft.rglob("*") if each.is_file()]:
            text = path.read_text(encoding="utf-8")
            for key, value in answers.items():
                text = text.replace(f"@{key}@", _quoted(value) if path.suffix == ".yaml" else value)
            path.write_text(text, encoding="utf-8")
    file = draft / "agent.yaml"
    changed: dict[str, object] = {
        "name": answers["name"],
        "language": answers["language"],
        "numbers": [answers["number"]],
    }
    if answers["person"]:
        changed["people"] = [{"name": "desk", "address": answers["person"]}]
    _change(file, changed, drop=() if answers["person"] else ("people",))


def _change(file: Path, values: dict[str, object], drop: tuple[str, ...]) -> None:
    """Replace top-level keys of a YAML file and keep the rest, comments included."""
    blocks = re.split(r"(?m)^(?=[a-z_]+:)", file.read_text(encoding="utf-8"))
    # A page path and a voice belong to the agent that the template was.
    kept = [block for block in blocks if block.partition(":")[0] not in {*values, *drop, "voice"}]
    page = [re.sub(r"(?m)^  path:.*\n", "", block) if block.startswith("page:") else block for block in kept]
    head = page[0] if page and not re.match(r"[a-z_]+:", page[0]) else ""
    body = page[1:] if head else page
    written = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=1000) if values else ""
    file.write_text(f"{head}{written}{''.join(body)}", encoding="utf-8")


def _quoted(value: str) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, default_style='"', width=1000)).strip()


def _free_number(agents: Path) -> str:
    """Return the next of the numbers that the stand-in for Twilio offers and no agent lists."""
    taken = "".join(path.read_text(encoding="utf-8") for path in agents.glob("*/agent.yaml"))
    return next(number for number in (f"+1555010{index:04}" for index in range(1, 10_000)) if number not in taken)


def _answer(
    given: str | None,
    ask: Callable[[str], str] | None,
    question: str,
    default: str,
    check: Callable[[str], str] = lambda answer: answer,
) -> str:
    """Return an option, an answer, or the default; a wrong answer is asked for again."""
    # An option is checked like an answer, and refused at once.
    if given is not None or ask is None:
        return check(_line(given if given is not None else default))
    for left in reversed(range(_TRIES)):
        try:
            return check(_line(ask(f"{question} [{default}] ").strip() or default))
        except Refused as error:
            if not left:
                raise
            print(f"  {error}", file=sys.stderr)
    raise AssertionError("unreachable")


def _line(text: str) -> str:
    if not text.isprintable() or len(text) > _ANSWER_CHARACTERS:
        raise Refused(f"an answer is one line of at most {_ANSWER_CHARACTERS} characters")
    return text


def _language(text: str) -> str:
    known = ("en-US", "en-GB", "en-AU", "en-IN", "fr-FR", "it-IT", "de-DE", "es-US", "pt-BR", "hi-IN")
    # "fr" means the first variant of French.
    match = next((each for each in known if text.lower() in (each.lower(), each[:2])), None)
    if match is None:
        raise Refused(f"{text!r} is not a language of the model; choose one of {', '.join(known)}")
    return match


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise Refused(f"{text!r} is not a phone number in E.164; write it like +15550100004")
    return text


def _person(text: str) -> str:
    if not _PERSON.fullmatch(text):
        raise Refused(f"{text!r} cannot be called; write tel:+15550100900 or sip:desk@example.com, or leave it empty")
    return text
