"""Decide whether the model can take another conversation, over all its regions."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import ceil

import structlog

from agent_core.errors import ModelBusy
from agent_core.quota.keeper import Keeper
from agent_core.quota.pool import is_ample, kept_for_renewals
from agent_core.quota.share import Share
from agent_core.quota.shared_count import Table
from agent_core.quota.throttle import REFUSALS, Throttle

log = structlog.get_logger()

FULL_SECONDS = 15
"""When a client may retry while every stream is in use: a conversation lasts minutes, but there are many."""


@dataclass(slots=True)
class ModelRegion:
    """The model in one region.

    Attributes:
        name: Of the region.
        share: What this task uses there.
        throttle: Back-off after throttling.
        quota: Most open streams of all tasks together; None for no limit.
        keeper: Keeps the lease; None if this task may use the whole quota.
    """

    name: str
    throttle: Throttle
    quota: int | None = None
    share: Share = field(default_factory=Share)
    keeper: Keeper | None = None

    @property
    def may_begin(self) -> bool:
        """Whether another conversation may start here."""
        return self.share.may_begin and not self.throttle.is_shut

    @property
    def room(self) -> float:
        """Number of conversations that may start here now."""
        if self.throttle.is_shut:
            return 0
        return min(1, self.share.room) if self.throttle.is_probing else self.share.room

    def changed(self) -> None:
        """Notify the keeper, so that the lease follows."""
        if self.keeper is not None:
            self.keeper.changed()


class Capacity:
    """Counts the conversations and streams of a task.

    Args:
        names: Regions of the model, the preferred one first.
        quota: Most open streams in the first region; None for no limit anywhere.
        overflow: The same in the second; None for the same number.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        names: Sequence[str],
        quota: int | None = None,
        overflow: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        quotas = [quota, quota if quota is None else overflow or quota]
        self.regions = [ModelRegion(name, Throttle(clock), one) for name, one in zip(names, quotas, strict=False)]
        for region in self.regions:
            if region.quota is not None:
                # Renewals open a second stream, so a part of the quota is never used to start conversations.
                kept = kept_for_renewals(region.quota)
                region.share.for_calls, region.share.for_seconds = region.quota - kept, kept

    @asynccontextmanager
    async def shared(
        self, tables: Sequence[Table], task: str, on_fault: Callable[[], None] = lambda: None
    ) -> AsyncIterator[None]:
        """Share the quota with other tasks while the block runs.

        Args:
            tables: Where leases are stored, one per region.
            task: Name of this task.
            on_fault: Called when a table is unreachable.
        """
        async with AsyncExitStack() as stack:
            for region, table in zip(self.regions, tables, strict=True):
                assert region.quota is not None  # noqa: S101 - the settings ensure it
                region.keeper = Keeper(region.share, table, quota=region.quota, task=task, on_fault=on_fault)
                await stack.enter_async_context(region.keeper.running())
            yield

    async def prepare(self) -> None:
        """Obtain room for one more conversation, if there is any; bounded, never raises."""
        for region in self.regions:
            if region.throttle.is_shut:
                continue
            if region.keeper is not None:
                await region.keeper.prepare()
            # One region is enough; the second is used only if the first is full.
            if region.share.may_begin:
                return

    @property
    def room(self) -> float:
        """Number of conversations that may start now, as far as streams are leased."""
        return sum(region.room for region in self.regions)

    def refusal(self) -> ModelBusy | None:
        """Return why no conversation may start; None if one may."""
        if any(region.may_begin for region in self.regions):
            return None
        if all(region.throttle.is_shut for region in self.regions):
            seconds = ceil(min(region.throttle.seconds_left for region in self.regions))
            return ModelBusy("the model refuses new streams", retry_after=max(1, seconds))
        return ModelBusy("every stream to the model is in use", retry_after=FULL_SECONDS)

    def begin(self) -> None:
        """Count a conversation that starts; it has a slot whatever `refusal` says now."""
        # A conversation that no region has room for still counts, in the first one, so that the numbers stay true.
        region = next((one for one in self.regions if one.may_begin), self.regions[0])
        region.throttle.begin()
        region.share.calls += 1
        try:
            region.changed()
        except BaseException:
            region.share.calls -= 1
            raise

    def end(self) -> None:
        """Count a conversation that has ended; its streams were closed before."""
        held = [one for one in self.regions if one.share.calls]
        # A conversation whose stream is closed is the one that ends; else take the last region, to free overflow first.
        region = next((one for one in held if one.share.is_lent), held[-1])
        region.share.calls -= 1
        region.changed()

    def ahead(self) -> "Ahead | None":
        """Count a stream that is opened before its conversation exists; None unless streams are ample.

        The media of a call may reach another task, which opens a stream of its own. Until that is known there are two,
        and the second must not be one that the model throttles.
        """
        region = self.regions[0]
        if region.quota is not None:
            share = region.share
            # Others share the quota only if there is a keeper, which knows what they use.
            ample = is_ample(region.quota, share.used) if region.keeper is None else region.keeper.is_ample
            if not ample or not region.may_begin:
                return None
        region.share.calls += 1
        region.changed()
        return Ahead(self)

    def leave(self) -> None:
        """Lease nothing in advance any more: this task accepts no new conversation."""
        for region in self.regions:
            if region.keeper is not None:
                region.keeper.leaving = True

    async def double(self) -> ModelRegion | None:
        """Reserve a second stream for a conversation that renews its own; None if there is no room. Bounded."""
        for region in self.regions:
            if region.throttle.is_shut:
                continue
            if region.keeper is not None:
                await region.keeper.double()
            if region.share.may_double:
                region.share.reserved += 1
                return region
        return None

    def choose(self) -> ModelRegion:
        """Choose the region of a conversation's own stream: where one is missing, or where there is room for it."""
        lent = [one for one in self.regions if one.share.is_lent]
        open_to_it = next((one for one in lent if not one.throttle.is_shut), None)
        if open_to_it is not None:
            return open_to_it
        other = next((one for one in self.regions if one.may_begin), None)
        if lent and other is not None:  # the conversation moves, with its count
            lent[0].share.calls -= 1
            other.share.calls += 1
            return other
        return lent[0] if lent else self.regions[0]

    def refused(self, region: ModelRegion, kind: str, epoch: int) -> None:
        """Record that the model refused or failed a stream; starts the back-off if the reason was the quota."""
        if kind in REFUSALS and region.throttle.refused(epoch):
            log.warning(
                "model_throttled",
                error=kind,
                region=region.name,
                streams=region.share.streams,
                seconds=round(region.throttle.seconds_left),
            )

    def taken(self, region: ModelRegion, epoch: int) -> None:
        """Record that the model accepted a stream."""
        if region.throttle.taken(epoch):
            log.info("model_throttle_over", region=region.name)


class Ahead:
    """A stream that was counted in advance."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity: Capacity | None = capacity

    def release(self) -> None:
        """Stop counting it; idempotent."""
        capacity, self._capacity = self._capacity, None
        if capacity is not None:
            capacity.end()
