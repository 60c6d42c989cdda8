"""Reads the YAML of an agent folder. Dates and times stay text, as the folder's author wrote them."""

import re
from pathlib import Path
from typing import Any

import yaml

LARGEST_BYTES = 1_000_000
"""A larger file is a mistake, and would make every start slow."""


class FolderError(ValueError):
    """An agent folder cannot be read; the message names the file, the line if known, and what is expected."""


class PlainLoader(yaml.SafeLoader):
    """YAML 1.1 without its surprises: `19:30` is not a number in base 60, and `on` is a word."""


PlainLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in ("null", "float", "merge")]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9]\d*)$"), list("-+0123456789"))
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false|True|False)$"), list("tfTF"))


def read_yaml(path: Path) -> Any:  # noqa: ANN401  YAML
    """Return a file's content.

    Raises:
        FolderError: The file is missing, too large, or not YAML.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise FolderError(f"{path}: larger than {LARGEST_BYTES} bytes; split it")
        return yaml.load(path.read_text(encoding="utf-8"), PlainLoader)  # noqa: S506  a subclass of SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path}: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark is not None else ""
        raise FolderError(f"{path}{where}: not YAML: {getattr(error, 'problem', error)}") from error
