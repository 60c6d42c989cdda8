"""What the agent is told, in files beside this one, so that a change of words is not a change of code."""

from importlib.resources import files
from string import Template


def load(name: str, **values: str) -> str:
    """Read ``name.md`` and fill in its ``$placeholders``.

    Raises:
        FileNotFoundError: there is no such prompt.
        KeyError: a placeholder has no value.
    """
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Template(text).substitute(values).strip()
