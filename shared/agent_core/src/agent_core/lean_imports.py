"""Keep out of a service what its libraries import at start and no conversation here uses.

Pipecat imports an HTTP client to download files, an image library to encode pictures, and the SDK of OpenTelemetry to
trace pipelines. The AWS SDK imports the same HTTP client, next to the one that it uses for this model.
"""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

POSTPONED: Final = ("aiohttp", "PIL.Image")
"""Modules that are loaded when something uses them, which nothing does on the telephone."""
_TRACING: Final = "opentelemetry.sdk"
_LOADING: Final = threading.RLock()
_BEGUN: Final = "_loading_has_begun"


def install() -> None:
    """Postpone these modules, and import Pipecat without tracing. Call it before anything else is imported."""
    for name in POSTPONED:
        _postpone(name)
    with _missing(_TRACING):
        # Pipecat looks once whether tracing is installed; ours, `observability.otlp`, imports it where it is on.
        import pipecat.utils.tracing.setup  # noqa: F401, PLC0415


class _PostponedModule(ModuleType):
    """A module that is executed when something reads its first attribute.

    `importlib.util.LazyLoader` does not serve here: it also loads when a second module merely imports it, because
    that reads `__spec__`.
    """

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of any module
        # Python calls this only for a missing attribute. The lock lets other threads wait for a module that is loading.
        with _LOADING:
            if self.__class__ is _PostponedModule and _BEGUN not in self.__dict__:
                self._load()
            if name in self.__dict__:
                return self.__dict__[name]
        message = f"module {self.__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    def _load(self) -> None:
        spec = self.__spec__
        # What this module imports may read attributes of it, which must not begin again.
        self.__dict__[_BEGUN] = True
        try:
            if spec is not None and spec.loader is not None:
                spec.loader.exec_module(self)
        finally:
            # After an error the next use tries again.
            del self.__dict__[_BEGUN]
        self.__class__ = ModuleType  # type: ignore[assignment]  # a plain module from here on


def _postpone(name: str) -> None:
    if name in sys.modules:
        return
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    # An image may lack it; then the import fails where it would have failed before.
    if spec is None:
        return
    module = _PostponedModule(name)
    # What the import system sets: without it, each import would read, and so load, the module.
    module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
    if spec.origin is not None:
        module.__file__ = spec.origin
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    sys.modules[name] = module


@contextmanager
def _missing(name: str) -> Iterator[None]:
    """Let imports of a package fail, as if it were not installed."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # what the import system expects for it
    try:
        yield
    finally:
        del sys.modules[name]
