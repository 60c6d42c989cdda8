"""Import the Python files of an agent's folder, each version as modules of its own."""

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from agent_core.errors import ConfigurationError

_PREFIX: Final = "agent_folders"
"""Package of all folders' modules: ``agent_folders.<folder>_<version>.tools``."""


class _FreshLoader(SourceFileLoader):
    """Compiles each time: a byte-code file is recognized by a time in seconds, and people save twice a second."""

    def get_code(self, fullname: str) -> CodeType | None:
        return self.source_to_code(self.get_data(self.get_filename(fullname)), self.get_filename(fullname))


class _FolderFinder(MetaPathFinder):
    """Finds modules of folders by the path of their package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del target
        # Everything else is found as usual.
        if not fullname.startswith(f"{_PREFIX}.") or path is None:
            return None
        for folder in path:
            base = Path(folder) / fullname.rpartition(".")[2]
            for file, within in ((base.with_suffix(".py"), None), (base / "__init__.py", [str(base)])):
                if file.is_file():
                    loader = _FreshLoader(fullname, str(file))
                    return importlib.util.spec_from_file_location(
                        fullname, file, loader=loader, submodule_search_locations=within
                    )
        return None


def load(folder: Path, version: str, name: str = "tools") -> ModuleType:
    """Import a file of a folder; its relative imports find the files beside it.

    Args:
        folder: The agent's folder.
        version: Digest of its content: another version gets other modules.
        name: The file, without ``.py``.

    Raises:
        ConfigurationError: it cannot be imported; the reason names file and line.
    """
    if not any(isinstance(finder, _FolderFinder) for finder in sys.meta_path):
        sys.meta_path.append(_FolderFinder())
    package = f"{_PREFIX}.{folder.name.replace('-', '_')}_{version}"
    # A package per version: old and new code run side by side until the last old conversation is over.
    for parent, path in ((_PREFIX, []), (package, [str(folder)])):
        if parent not in sys.modules:
            module = ModuleType(parent)
            module.__path__ = path
            sys.modules[parent] = module
    try:
        return importlib.import_module(f"{package}.{name}")
    except SyntaxError as error:
        unload(folder, version)
        where = _place(folder, error.filename, error.lineno)
        raise ConfigurationError(f"{where}: {error.msg}") from error
    # An agent's file may do anything when it is imported, so it may also fail in any way.
    except Exception as error:
        unload(folder, version)
        # The line in the folder that led to it, not the one in a library.
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
        where = _place(folder, inside[-1].filename, inside[-1].lineno) if inside else f"agents/{folder.name}/{name}.py"
        raise ConfigurationError(f"{where}: {type(error).__name__}: {error}") from error


def unload(folder: Path, version: str) -> None:
    """Forget the modules of a version that no conversation uses any longer."""
    package = f"{_PREFIX}.{folder.name.replace('-', '_')}_{version}"
    for name in [each for each in sys.modules if each == package or each.startswith(f"{package}.")]:
        del sys.modules[name]


def _place(folder: Path, file: str | None, line: int | None) -> str:
    path = Path(file or "tools.py")
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path.name
    return f"agents/{folder.name}/{shown}, line {line or 1}"
