"""Report each failure at once, so that an aborted or hanging run has already reported what failed."""

import pytest


class FailuresAtOnce:
    """A plugin of pytest for the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print the test, its phase and the error in one line; the full report comes at the end."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or not report.failed:
            return
        crash = getattr(report.longrepr, "reprcrash", None)
        lines = (crash.message if crash else report.longreprtext).strip().splitlines()
        terminal.write_line("")  # ends the line of dots
        terminal.write_line(f"{report.nodeid} failed ({report.when}): {lines[0] if lines else ''}")
        terminal.flush()
