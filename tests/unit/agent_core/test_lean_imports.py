"""Modules that are loaded at their first use, in a new interpreter, because this one has loaded them."""

import subprocess
import sys
from pathlib import Path

import pytest

LOUD = "print('loaded')\nfrom loud import quiet\nWORD = quiet.WORD\n"


def run(folder: Path, *lines: str) -> str:
    """Run these lines after postponing the package `loud`; return what they print."""
    package = folder / "loud"
    package.mkdir()
    (package / "__init__.py").write_text(LOUD)
    (package / "quiet.py").write_text("WORD = 'hello'\n")
    (folder / "broken.py").write_text("print('tried')\nraise RuntimeError('broken')\n")
    begin = ("import sys", f"sys.path.insert(0, {str(folder)!r})", "from agent_core import lean_imports as lean")
    names = ("lean._postpone('loud')", "lean._postpone('broken')", "lean._postpone('absent')")
    code = "\n".join([*begin, *names, *lines])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("use", ["import loud; import loud", "from importlib import import_module as i; i('loud')"])
def test_an_import_alone_loads_nothing(use: str, tmp_path: Path) -> None:
    """However often a module is imported, it is executed at the first use, once."""
    assert run(tmp_path, use, "print('-')", "import loud", "print(loud.WORD, loud.WORD)") == "-\nloaded\nhello hello\n"


@pytest.mark.parametrize("use", ["from loud import WORD as w", "import loud.quiet; w = loud.WORD"])
def test_a_name_or_a_submodule_can_be_imported(use: str, tmp_path: Path) -> None:
    """A postponed package works as the loaded one, also before its first use."""
    assert run(tmp_path, use, "print(w)") == "loaded\nhello\n"


def test_a_missing_attribute_is_an_error(tmp_path: Path) -> None:
    """What the module lacks is missing before and after it is loaded, as the caller expects."""
    lines = ("import loud", "print(hasattr(loud, 'no'), hasattr(loud, 'no'), type(loud) is type(sys))")
    assert run(tmp_path, *lines) == "loaded\nFalse False True\n"


def test_an_error_while_loading_is_that_of_each_use(tmp_path: Path) -> None:
    """A module that cannot be loaded fails every time it is used."""
    lines = (
        "import broken",
        "for _ in range(2):",
        "    try:",
        "        broken.word",
        "    except RuntimeError as error:",
        "        print(error)",
    )
    assert run(tmp_path, *lines) == "tried\nbroken\n" * 2


def test_threads_wait_for_a_module_that_is_loading(tmp_path: Path) -> None:
    """Several first uses at once load it once, and none sees half of it."""
    lines = (
        "import loud",
        "from concurrent.futures import ThreadPoolExecutor",
        "with ThreadPoolExecutor(8) as pool:",
        "    print(*pool.map(lambda _: loud.WORD, range(8)))",
    )
    assert run(tmp_path, *lines) == "loaded\n" + " ".join(["hello"] * 8) + "\n"


def test_a_module_that_is_not_installed_is_missing_as_before(tmp_path: Path) -> None:
    """A postponed name without a module behind it fails where it is imported."""
    lines = ("try:", "    import absent", "except ModuleNotFoundError:", "    print('missing')")
    assert run(tmp_path, *lines) == "missing\n"


def test_tracing_can_be_imported_afterwards(tmp_path: Path) -> None:
    """Pipecat finds no SDK of tracing; the code that exports spans still does."""
    lines = (
        "lean.install()",
        "from pipecat.utils.tracing import setup",
        "print(setup.is_tracing_available(), 'opentelemetry.sdk' in sys.modules)",
        "import opentelemetry.sdk.trace",
        "print(bool(opentelemetry.sdk.trace.TracerProvider))",
    )
    assert run(tmp_path, *lines) == "False False\nTrue\n"
