"""One engine and one set of images for all tests here. Without an engine they are skipped; where CI asks, they fail."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.containers import ROOT, Composed, Engine, build, composed, find_engine

_HERE = Path(__file__).parent
_NO_ENGINE = "these tests need Docker with Compose: start its engine, or point DOCKER_HOST at one"
_REQUIRED = os.environ.get("CONTAINER_TESTS") == "required"
_SECONDS = 600
"""A test's deadline: the first one builds all images."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests here time to build."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nobody would read why it was skipped."""
    report = yield
    if _REQUIRED and report.skipped and item.path.is_relative_to(_HERE):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Find the engine, and build the images."""
    found = find_engine()
    if found is None:
        pytest.skip(_NO_ENGINE)
    build(found)
    return found


@pytest.fixture(scope="session")
def product(engine: Engine) -> Iterator[Composed]:
    """Everything, as `docker compose up` starts it where there is no .env."""
    if (ROOT / ".run/run.json").exists():
        pytest.skip("`make run` runs in this folder, and calls would go there")
    settings = {"DRAIN_SECONDS": "60", "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "100"}
    with composed(engine, "voice-agent-test", **settings) as product:
        yield product
