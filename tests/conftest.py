"""Rules for every test: no network, no settings from the shell, a deadline, and a speed.

A test's folder says how fast it is and what it may touch:

- `repository`: the repository itself; `unit`: pure code; `infra`: the templates, deployed into a simulated AWS;
- `contract`: one protocol with both of its ends;
- `integration`: several parts over real sockets; `e2e`: a caller's journey through running processes;
- `faults`: faults of the catalogue across whole conversations;
- `third_party`: unmodified third-party clients talk with our stand-ins.

`pytest -m unit` runs one of them. `make test` leaves out what is `thorough`: `faults`, `third_party`, `e2e` except its
journeys, and tests with that mark elsewhere.
"""

import functools
import gc
import importlib
import logging
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import hypothesis
import pytest

from tests.support import faults, threats
from tests.support.catalogue_report import CatalogueReport
from tests.support.failures import FailuresAtOnce
from tests.support.leak_watch import LeakWatch
from tests.support.processes import (
    ALONE,
    BESIDE,
    LONG,
    OneModuleAtATime,
    has_measurements,
    is_a_part,
    worker_count,
    yield_to_others,
)
from tests.support.warm import close_all

TESTS = Path(__file__).parent
DEADLINES = {
    "e2e": 600,
    "faults": 600,
    "third_party": 600,
    "integration": 300,
    "infra": 300,
    "contract": 300,
    "repository": 300,
    "unit": 300,
}
"""Kinds of tests in the order they run, so that the longest begin first.

Each has the seconds after which a test counts as hung. They are many times what it takes on an idle machine: only a
test that hangs waits for them, and a machine of two cores beside four busy loops is five times slower.
"""

_THOROUGH = {"faults", "third_party", "e2e"}
_REAL_TIME = {
    "e2e/browser": "a browser goes by its own clock",
    "e2e/containers": "containers go by their own clocks",
    "e2e/test_spoken_calls.py": "speech is recognised by programs that work, not wait",
    "e2e/test_spoken_transfer.py": "speech is recognised by programs that work, not wait",
    "integration/test_nova_command.py": "the stand-in's command runs as it ships",
    "integration/test_nova_speech.py": "speech is recognised by programs that work, not wait",
    "integration/test_transfer_sipp.py": "SIPp goes by its own clock",
    "integration/test_run_launch.py": "what starts the product is tried as it ships",
    "contract/test_speech_recognition.py": "speech is recognised by programs that work, not wait",
    "third_party": "the clients of others go by their own clocks",
    "integration/test_doctor_live.py": "the AWS client waits in native code, unseen by the shared clock",
} | ALONE
"""Where no waits can be skipped, and why; elsewhere the mark is on the test."""

_KEPT = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "CI", "LD_PRELOAD", "PYTHONFAULTHANDLER"}
_KEPT |= {"NODE_EXTRA_CA_CERTS"}  # npm needs it behind a proxy that signs
"""The variables of the shell that a test may see, besides those with these prefixes; the rest is removed."""
_KEPT_BEGINNINGS = ("PYTEST_", "COVERAGE_", "DOCKER_", "FAKETIME", "OPENBLAS_", "HYPOTHESIS_")
_SWITCHES = {
    "BROWSER_TESTS",
    "SIPP_TESTS",
    "CONTAINER_TESTS",
    "CHECKOV",
    "THIRD_PARTY_CLIENTS",
    "EVERY_CLIENT",
    "CHROMIUM",
    "LIVE_SERVICES",
    "OPEN_METEO_LIVE",
}
_SWITCHES |= {"SCREENSHOTS", "CALLERS", "VISITORS"}
"""Variables that choose what runs, and how."""


def _forget_the_shell() -> None:
    """Keep what programs need to run; keep AWS's clients from finding real credentials."""
    for name in list(os.environ):
        if name not in _KEPT | _SWITCHES and not name.startswith(_KEPT_BEGINNINGS):
            del os.environ[name]
    # A shell lets what it runs in the background ignore Ctrl-C, and every program that a test interrupts inherits that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["LANG"] = "C.UTF-8"
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # saves a third of a deployment's time
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the sums are small, and the shared clock looks at every thread
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def _trust_one_authority() -> None:
    """Make clients load one certificate by default, not 150, each time; no test uses a public one."""
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    place = Path(_folder.name, "authority.pem")
    place.write_text(first + end)
    os.environ["SSL_CERT_FILE"] = str(place)
    certifi.where = lambda: str(place)  # for clients that ignore the variables


def _preload(name: str) -> Any:  # noqa: ANN401 - a module that the processes which tests start load by this name too
    folder = str(TESTS / "preload")
    os.environ["PYTHONPATH"] = folder
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


# An example may take any time on a busy machine; a test that hangs has a deadline of its own.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

_folder = tempfile.TemporaryDirectory(prefix="voice-agent-tests-")
_forget_the_shell()
# A manual test against the live weather service has to leave this machine.
_attempts: list[str] = [] if os.environ.get("OPEN_METEO_LIVE") else _preload("offline").attempts
if not os.environ.get("OPEN_METEO_LIVE"):
    _trust_one_authority()
os.environ["VIRTUAL_CLOCK"] = f"{_folder.name}/clock"
_clock = _preload("virtual_clock").join(os.environ["VIRTUAL_CLOCK"], always=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    parser.addoption("--real-time", action="store_true", help="skip no waits: run every test by the machine's clock")
    parser.addoption("--shuffle", type=int, help="run modules, and tests in them, in the random order of this seed")
    parser.addoption("--every-number", action="store_true", help="fail when a fault or a threat was not met and held")


def pytest_configure(config: pytest.Config) -> None:
    """Report faults and threats by number, and search the run for planted secrets."""
    # A shell's background job ignores Ctrl-C, and so would every program that a test starts and interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    whole = config.getoption("--every-number") and not is_a_part(config)
    for catalogue in (faults.CATALOGUE, threats.CATALOGUE):
        config.pluginmanager.register(CatalogueReport(catalogue, whole=whole))
    config.pluginmanager.register(LeakWatch(config))
    if not is_a_part(config):
        config.pluginmanager.register(FailuresAtOnce(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneModuleAtATime:  # noqa: ANN401 - untyped there
    """Return the scheduler of a run."""
    return OneModuleAtATime(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes if the command line has none."""
    return worker_count(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave modules without a thorough test unread where only those run: reading all of them takes ten seconds."""
    if config.option.markexpr != "thorough" or not collection_path.match("test_*.py"):
        return None
    if not collection_path.is_relative_to(TESTS):
        return None
    if _speed(collection_path) in _THOROUGH or _module(collection_path) in ALONE:
        return None
    return None if "thorough" in collection_path.read_text(encoding="utf-8") else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its speed, set that speed's deadline, and run the longest tests first."""
    speeds = list(DEADLINES)
    for item in items:
        module, speed = _module(item.path), _speed(item.path)
        item.add_marker(speed)
        if (speed in _THOROUGH or module in ALONE) and item.get_closest_marker("journey") is None:
            item.add_marker("thorough")
        for where, why in _REAL_TIME.items():
            if module == where or module.startswith(f"{where}/"):
                item.add_marker(pytest.mark.real_time(why))
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(DEADLINES[speed]))
    items.sort(key=lambda item: _turn(item.config, _module(item.path), speeds.index(_speed(item.path))))
    if items and (seed := items[0].config.getoption("--shuffle")) is not None:
        shuffled = random.Random(seed)  # noqa: S311 - an order, not a secret
        place = {path: shuffled.random() for path in sorted({item.path for item in items})}
        shuffled.shuffle(items)
        items.sort(key=lambda item: (_round(item.config, _module(item.path)), place[item.path]))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Freeze the objects of thousands of tests: collectors would visit them again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Stop what was kept for a whole run."""
    close_all()
    _folder.cleanup()


def _turn(config: pytest.Config, module: str, kind: int) -> tuple[int, int]:
    """Return a module's order: modules that need the machine to themselves last, long ones first."""
    return _round(config, module), -1 if module in LONG else kind


def _round(config: pytest.Config, module: str) -> int:
    return 2 if module in ALONE else int(module in BESIDE and has_measurements(config))


@functools.cache
def _module(path: Path) -> str:
    return str(path.relative_to(TESTS))


@functools.cache
def _speed(path: Path) -> str:
    speed = path.relative_to(TESTS).parts[0]
    if speed not in DEADLINES:
        msg = f"{path} lies in none of tests/{{{','.join(DEADLINES)}}}"
        raise pytest.UsageError(msg)
    return speed


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Set the clock for each test: one that skips waits, or a real one if the test needs it."""
    yield_to_others(item.config, _module(item.path))
    if _clock is not None:
        _clock.virtual = item.get_closest_marker("real_time") is None and not item.config.getoption("--real-time")
        _clock.set_wall()


@pytest.fixture(autouse=True)
def same_surroundings() -> Iterator[None]:
    """Restore the variables and the folder after each test; additions by libraries remain."""
    before, folder = dict(os.environ), Path.cwd()
    yield
    os.chdir(folder)
    os.environ.update(before)


@pytest.fixture(autouse=True)
def no_log_handlers_left() -> Iterator[None]:
    """Fail a test that leaves a handler on a logger, where it would read, or break, what later tests log."""
    before = _handlers()
    yield
    if left := _handlers() - before:
        pytest.fail(f"log handlers are left: {', '.join(sorted(f'{handler} of {name}' for name, handler in left))}")


def _handlers() -> set[tuple[str, logging.Handler]]:
    """Return each handler and its logger's name, without pytest's own and those that libraries add on import."""
    loggers = {"root": logging.getLogger(), **logging.Logger.manager.loggerDict}
    handlers = {(name, handler) for name, one in loggers.items() for handler in getattr(one, "handlers", ())}
    return {
        (name, handler)
        for name, handler in handlers
        if not isinstance(handler, logging.NullHandler) and not type(handler).__module__.startswith("_pytest.")
    }


@pytest.fixture(autouse=True)
def closed_network() -> Iterator[None]:
    """Fail a test that tried to leave this machine, also when the code under test swallowed the error."""
    _attempts.clear()
    yield
    tried = list(_attempts)
    forgive()
    if tried:
        pytest.fail(f"left this machine: {', '.join(tried)}")


def forgive() -> None:
    """Forget these attempts, for the guard's own tests."""
    _attempts.clear()
