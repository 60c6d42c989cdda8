"""Read YAML and remember on which line each value is, so that an error can name it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from agent_core.errors import ConfigurationError

_MAX_BYTES: Final = 262_144
_MAX_DEPTH: Final = 20

type Place = tuple[str | int, ...]
"""Keys and indexes that lead to a value."""


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file.

    Attributes:
        name: Shown in errors, such as ``agents/clinic/agent.yaml``.
        value: Its content: mappings with text keys, lists and scalars.
        lines: The line of each value, from 1.
    """

    name: str
    value: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def where(self, place: Sequence[str | int]) -> str:
        """Return file and line of a value; of what contains it, if it is missing."""
        known = tuple(place)
        while known not in self.lines and known:
            known = known[:-1]
        return f"{self.name}, line {self.lines.get(known, 1)}"


def read(path: Path, name: str) -> Document:
    """Read a file.

    Args:
        path: The file.
        name: Shown in errors.

    Raises:
        ConfigurationError: it is not YAML, has a key twice, or is too large; the reason names file and line.
    """
    try:
        # A node tree rather than values: only nodes know their lines.
        text = path.read_bytes()[: _MAX_BYTES + 1]
        if len(text) > _MAX_BYTES:
            raise ConfigurationError(f"{name}: the file is larger than {_MAX_BYTES // 1024} kB")
        node = yaml.compose(text.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigurationError(f"{name}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: the file is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}, line {line}: {error.problem or 'this is not YAML'}") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"{name}: the file contains a character that YAML forbids") from None
    lines: dict[Place, int] = {}
    return Document(name, None if node is None else _Builder(name, lines).value(node, ()), lines)


class _Builder:
    """Builds plain values. Aliases are refused: a few lines of them can stand for gigabytes."""

    def __init__(self, name: str, lines: dict[Place, int]) -> None:
        self._name = name
        self._lines = lines
        self._scalars = yaml.SafeLoader("")
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, place: Place) -> Any:  # noqa: ANN401 - any value of YAML
        line = node.start_mark.line + 1
        self._lines.setdefault(place, line)
        if len(place) > _MAX_DEPTH:
            raise ConfigurationError(f"{self._name}, line {line}: values are nested too deeply")
        if id(node) in self._seen:
            raise ConfigurationError(f"{self._name}, line {line}: write the value out instead of an alias (*)")
        if isinstance(node, yaml.ScalarNode):
            try:
                return self._scalars.construct_object(node, deep=True)
            except (yaml.YAMLError, ValueError):
                raise ConfigurationError(f"{self._name}, line {line}: this value cannot be read") from None
        # PyYAML resolves an alias to the same node, which is how a repetition shows.
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*place, index)) for index, each in enumerate(node.value)]
        return self._mapping(node, place)

    def _mapping(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key in found:
                raise ConfigurationError(f"{self._name}, line {line}: {key!r} is here twice, or is no text")
            # The line of the key: a value may begin on the next one.
            self._lines[(*place, key)] = line
            found[key] = self.value(value_node, (*place, key))
        return found
