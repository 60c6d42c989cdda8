"""What holds for every test: no network, no settings from the shell, a deadline, and a speed.

A test's folder says how fast it is and what it may touch:

- `house`: the repository itself; `unit`: pure code; `infra`: the templates, deployed into a pretend AWS;
- `contract`: one wire with both of its ends;
- `integration`: several parts over real sockets; `e2e`: a caller's journey through running processes;
- `faults`: faults of the catalogue that take long; only `make faults` runs them, with all quick ones.

Faster folders run first. `pytest -m unit` runs one of them.
"""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import faults, threats
from tests.support.catalogue_report import CatalogueReport
from tests.support.leak_watch import LeakWatch
from tests.support.processes import TwoQueues, is_a_part

TESTS = Path(__file__).parent
DEADLINES = {"house": 60, "unit": 30, "infra": 60, "contract": 60, "integration": 60, "e2e": 120, "faults": 180}
"""Speeds in the order they run, each with the seconds after which a test counts as hung."""

_SETTINGS = ("AWS_", "NOVA_", "TWILIO_", "DAILY_", "ECS_", "ICE_", "STARTS_PER_MINUTE", "METRICS_", "OTEL_", "PRICE_")
_SETTING = {
    "ENVIRONMENT",
    "PUBLIC_BASE_URL",
    "ALLOWED_ORIGINS",
    "TRANSPORT",
    "HOST",
    "FAST_API_PORT",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "MAX_SPEND_PER_DAY",
    "TRANSFER_DESTINATIONS",
    "TRANSFER_RING_SECONDS",
    "FALLBACK_DESTINATION",
}
_SETTING |= {"MAX_SESSIONS", "MAX_CALL_SECONDS", "DRAIN_SECONDS", "OPEN_METEO_FORECAST_URL", "OPEN_METEO_GEOCODING_URL"}
_SETTING |= {"PHRASES_FOLDER", "IDLE_PROMPT_SECONDS"}


def _close_the_network() -> list[str]:
    """Load the guard into this process and into every Python that a test starts."""
    guard = TESTS / "offline" / "sitecustomize.py"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(guard.parent), os.environ.get("PYTHONPATH")]))
    spec = importlib.util.spec_from_file_location("offline_guard", guard)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    attempts: list[str] = module.attempts
    return attempts


def _forget_the_shell() -> None:
    """Drop what a developer's shell sets for the product, and keep AWS's clients from finding real credentials."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS) or name in _SETTING:
            del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each service that a test starts compiles all it imports
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


# Whoever asks for the live weather service by hand wants to leave this machine.
_attempts = [] if os.environ.get("OPEN_METEO_LIVE") else _close_the_network()
_forget_the_shell()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make faults`."""
    parser.addoption("--every-number", action="store_true", help="fail when a fault or a threat was not met and held")


def pytest_configure(config: pytest.Config) -> None:
    """Have faults and threats reported by number, and the run searched for what it planted."""
    whole = config.getoption("--every-number") and not is_a_part(config)
    for catalogue in (faults.CATALOGUE, threats.CATALOGUE):
        config.pluginmanager.register(CatalogueReport(catalogue, whole=whole))
    config.pluginmanager.register(LeakWatch(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> TwoQueues:
    """Share out a run in two processes, `make faults`."""
    return TwoQueues(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its speed, give it that speed's deadline, and run the fast ones first."""
    speeds = list(DEADLINES)
    for item in items:
        speed = _speed(item)
        item.add_marker(speed)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(DEADLINES[speed]))
    items.sort(key=lambda item: speeds.index(_speed(item)))


def _speed(item: pytest.Item) -> str:
    speed = item.path.relative_to(TESTS).parts[0]
    if speed not in DEADLINES:
        msg = f"{item.path} lies in none of tests/{{{','.join(DEADLINES)}}}"
        raise pytest.UsageError(msg)
    return speed


@pytest.fixture(autouse=True)
def closed_network() -> Iterator[None]:
    """Fail a test that wanted to leave this machine, also when the code under test swallowed the error."""
    _attempts.clear()
    yield
    tried = list(_attempts)
    forgive()
    if tried:
        pytest.fail(f"left this machine: {', '.join(tried)}")


def forgive() -> None:
    """Forget attempts to leave: for the guard's own tests."""
    _attempts.clear()
