"""Tells of each failure at once: a run that is cut short, or that hangs, has then said what had failed by then."""

import pytest


class FailuresAtOnce:
    """A plugin of pytest for the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print which test it was, in which phase, and the error in a line; the whole of it comes at the end."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or not report.failed:
            return
        crash = getattr(report.longrepr, "reprcrash", None)
        lines = (crash.message if crash else report.longreprtext).strip().splitlines()
        terminal.write_line("")  # ends the line of dots
        terminal.write_line(f"{report.nodeid} failed ({report.when}): {lines[0] if lines else ''}")
        terminal.flush()
