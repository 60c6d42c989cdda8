"""Let waits of seconds take no time: an event loop that leaps to the next timer when nothing else is to be done."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine


class _LeapingSelector(selectors.DefaultSelector):
    """Never sleeps; what it should have slept is added to the loop's clock."""

    leapt = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.leapt += timeout
        return ready


class _LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaps = _LeapingSelector()
        super().__init__(self._leaps)

    def time(self) -> float:
        return super().time() + self._leaps.leapt


def in_virtual_time[**P](test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run a test on such a loop. For code without sockets and threads: their answers would come ages too late."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=_LeapingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
