"""One engine and one set of images for all container tests. Without one they skip, or fail if CI requires it."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.containers import ROOT, Composed, Engine, build, composed, find_engine

_HERE = Path(__file__).parent
_NO_ENGINE = "these tests need Docker with Compose: start its engine, or point DOCKER_HOST at one"
_REQUIRED = os.environ.get("CONTAINER_TESTS") == "required"
_SECONDS = 600
"""A test's deadline: the first test builds all images."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Extend the deadline of these tests by the time of a build."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test where CI requires it, because a skip would go unnoticed there."""
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
    """Run everything as `docker compose up` does without a .env."""
    if (ROOT / ".run/run.json").exists():
        pytest.skip("`make run` runs in this folder, and calls would go there")
    settings = {"DRAIN_SECONDS": "60", "RATE_LIMIT_STARTS_PER_MINUTE_PER_ADDRESS": "100"}
    with composed(engine, "voice-agent-test", **settings) as product:
        yield product
