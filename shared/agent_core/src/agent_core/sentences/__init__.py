"""Load our own sentences: one YAML file for each language beside this one, of which an agent may replace single keys.

In a text, ``$name`` is a placeholder (`agent_core.sentence.PLACEHOLDERS`). ``$$`` is a dollar sign.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final, Self

import yaml

from agent_core.ai_words import names_an_ai
from agent_core.errors import ConfigurationError
from agent_core.sentence import PLACEHOLDERS, RECORDED, Sentence

LANGUAGES: Final = (
    *("en-US", "en-GB", "en-AU", "en-IN"),
    *("fr-FR", "it-IT", "de-DE", "es-US", "pt-BR", "hi-IN"),
)
"""What Nova Sonic speaks ("Language support" of AWS's user guide), as BCP 47 tags."""
DEFAULT: Final = "en-US"
MAX_CHARACTERS: Final = 400
"""Longest sentence: half a minute of speech, and far below the 4096 characters of Twilio's ``<Say>``."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of one language.

    Attributes:
        language: BCP 47 tag, such as ``fr-FR``.
        texts: Every sentence, with its placeholders.
    """

    language: str
    texts: Mapping[Sentence, str]

    @classmethod
    def of(cls, language: str = DEFAULT, overrides: Path | None = None, name: str | None = None) -> Self:
        """Return the sentences of a language.

        Args:
            language: One of `LANGUAGES`.
            overrides: An agent's ``sentences.yaml``; a file that does not exist replaces nothing.
            name: Its name in errors; its path by default.

        Raises:
            ConfigurationError: the language is unknown or a sentence is unusable; the reason lists all problems, each
                with its file and line.
        """
        if language not in LANGUAGES:
            raise ConfigurationError(f"language: {language} is not one of {', '.join(LANGUAGES)}")
        shipped = cls(language, _shipped(language.partition("-")[0]))
        return shipped if overrides is None else shipped.with_overrides(overrides, name or str(overrides))

    def with_overrides(self, path: Path, name: str) -> Self:
        """Return these sentences, with those that a file replaces.

        Args:
            path: Of the file.
            name: Its name in errors.

        Raises:
            ConfigurationError: a sentence of the file is unusable.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return self
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}: it cannot be read as UTF-8 text") from error
        found, problems = _read(text, name, self.language, recorded=False)
        if problems:
            raise ConfigurationError("; ".join(problems))
        return replace(self, texts={**self.texts, **found})

    def in_language(self, language: str | None) -> Self:
        """Return these sentences, or those that ship in another language; None means this one.

        Raises:
            ConfigurationError: the language is unknown.
        """
        return self if language in {None, self.language} else type(self).of(language or DEFAULT)

    def __getitem__(self, sentence: Sentence) -> str:
        """Return a sentence that has no placeholders."""
        return self.say(sentence)

    def say(self, sentence: Sentence, **values: object) -> str:
        """Return a sentence with its placeholders filled in; the values are not escaped for XML or HTML.

        Raises:
            KeyError: a value is missing.
        """
        return Template(self.texts[sentence]).substitute(values)

    def of_error(self, spoken: str) -> str:
        """Return what a caller hears of an error: ``spoken`` is a key, or an adopter's own text."""
        return self[spoken] if isinstance(spoken, Sentence) else spoken


def check() -> None:
    """Read and check the sentences of every language.

    Raises:
        ConfigurationError: a sentence is missing or unusable.
    """
    for language in LANGUAGES:
        Sentences.of(language)


@cache
def _shipped(language: str) -> Mapping[Sentence, str]:
    name = f"{language}.yaml"
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    found, problems = _read(text, f"sentences/{name}", language, recorded=True)
    problems += [f"sentences/{name}, line 1: {one} is missing" for one in Sentence if one not in found]
    if problems:
        raise ConfigurationError("; ".join(problems))
    return found


def _read(text: str, name: str, language: str, *, recorded: bool) -> tuple[dict[Sentence, str], list[str]]:
    """Return the sentences of a file, and its problems: all of them, so that they can be fixed in one go."""
    found: dict[Sentence, str] = {}
    problems: list[str] = []
    try:
        entries = list(_entries(text, name))
    except ConfigurationError as error:
        return found, [error.reason]
    for where, key, value in entries:
        if key not in set(Sentence):
            problems.append(f"{where}: unknown key {key:.40}; {_nearest(key)}")
            continue
        sentence = Sentence(key)
        if sentence in found:
            # YAML keeps the last one silently, which may be the older wording.
            problems.append(f"{where}: {sentence} is there twice")
        if value is None:
            problems.append(f"{where}: {sentence} must be one sentence; put it in quotes")
            continue
        # A long sentence may be folded over several lines.
        found[sentence] = " ".join(value.split())
        problems += [f"{where}: {sentence} {one}" for one in _problems(sentence, found[sentence], language)]
        if sentence in RECORDED and not recorded:
            problems.append(f"{where}: {sentence} is a recording; see ANNOUNCEMENTS_DIR for your own")
    return found, problems


def _entries(text: str, name: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield each entry's place, key and text; None if it has none.

    Raises:
        ConfigurationError: the text is not a list of keys and sentences.
    """
    try:
        # Composed and not loaded: only nodes know their lines, and `no` must not become False.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise ConfigurationError(f"{name}, line {line}: this is not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"{name}, line 1: it contains a character that YAML does not allow") from None
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise ConfigurationError(f"{name}, line {root.start_mark.line + 1}: it must be a list of `key: sentence`")
    for key, value in root.value:
        yield (
            f"{name}, line {key.start_mark.line + 1}",
            str(key.value) if isinstance(key, yaml.ScalarNode) else "",
            value.value if isinstance(value, yaml.ScalarNode) else None,
        )


def _nearest(key: str) -> str:
    near = get_close_matches(key, list(Sentence), n=1)
    return f"did you mean {near[0]}?" if near else "docs/howto/sentences.md lists them"


def _problems(sentence: Sentence, text: str, language: str) -> Iterator[str]:
    if not text:
        yield "is empty"
    if len(text) > MAX_CHARACTERS:
        yield f"has more than {MAX_CHARACTERS} characters"
    # Such a character makes Twilio reject the whole document (error 12100).
    if not text.isprintable():
        yield "contains a character that cannot be spoken"
    known = PLACEHOLDERS.get(sentence, frozenset())
    names = ", ".join(f"${one}" for one in sorted(known)) or "none"
    template = Template(text)
    if not template.is_valid():
        yield f"has a $ without a name; write $$ for a dollar sign (placeholders here: {names})"
        return
    used = set(template.get_identifiers())
    for one in sorted(used - known):
        yield f"has the unknown placeholder ${one} (placeholders here: {names})"
    for one in sorted(known - used):
        yield f"needs ${one}"
    # The law asks for these (EU AI Act, Article 50), so an agent may only word them differently.
    if sentence in (Sentence.DISCLOSURE, Sentence.NOTICE_AI) and not names_an_ai(text, language):
        yield "must say that this is an AI"
