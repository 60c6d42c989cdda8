"""Two sockets with one ticket: the first continues as if the second did not exist."""

import asyncio

import pytest

from phone_agent import resume_action
from tests.support.remembered_call import Scene
from tests.support.stranger import close_code, invitation_in
from tests.support.waiting import until


@pytest.mark.parametrize("second", ["replayed", "no ticket", "gone before start"])
async def test_a_socket_that_is_refused_takes_nothing_from_the_one_that_is_not(scene: Scene, second: str) -> None:
    """The rejected socket closes, and the call keeps one conversation, one model stream and one record."""
    caller = scene.caller
    scene.shelf.pause = 0.03  # the service accepts the first only after the store's response
    ticket = (await caller.ring()).ticket
    async with await caller.open_stream() as first, await caller.open_stream() as other:
        if second == "gone before start":
            await other.close()
        elif second == "replayed":
            await asyncio.gather(caller.begin(first, ticket), caller.begin(other, ticket))
        else:
            await caller.begin(other, None)
            assert await close_code(other) == 1008
        if second != "replayed":
            await caller.begin(first, ticket)
        await until(lambda: caller.call_sid in scene.phone.phone.live)
        assert (scene.phone.agent.admission.taken, len(scene.phone.model.streams)) == (1, 1)
        if second == "replayed":
            codes = [asyncio.create_task(close_code(socket)) for socket in (first, other)]
            done, _ = await asyncio.wait(codes, timeout=5, return_when=asyncio.FIRST_COMPLETED)
            assert [task.result() for task in done] == [1008]
            for task in codes:
                task.cancel()
        await asyncio.sleep(5)  # the service closes a pre-warmed session after four
        assert scene.phone.records == []
    await until(lambda: len(scene.phone.records) == 1)
    assert scene.phone.records[0].reason == "media_disconnected"


@pytest.mark.parametrize("part", ["1", "9", "-1", "99999999999", "x"])
async def test_the_ticket_says_which_stream_it_is(scene: Scene, part: str) -> None:
    """The ticket decides which stream a socket gets, whatever ``start`` says."""
    ticket = (await scene.caller.ring()).ticket
    async with await scene.caller.open_stream() as socket:
        announcer = scene.caller.announcer()
        await socket.send(announcer.connected())
        await socket.send(announcer.start({"ticket": ticket, "part": part}))
        await until(lambda: scene.caller.call_sid in scene.phone.phone.live)
        assert (scene.phone.agent.admission.taken, len(scene.phone.model.streams)) == (1, 1)
        await socket.send(announcer.stop())
        await until(lambda: [record.reason for record in scene.phone.records] == ["caller_hung_up"])


async def test_who_was_told_to_wait_has_a_place_afterwards(scene: Scene) -> None:
    """A caller who waits before the stream, up to three seconds, still has a slot afterwards.

    The pre-warmed session waits that much longer.
    """
    await scene.remembered()
    document = await scene.caller.lose(3)
    pause = resume_action.pause(await scene.store.recall(scene.caller.call_sid), 3)
    assert f'length="{pause}"' in document
    await asyncio.sleep(pause + 3)
    assert scene.phone.records == []
    async with await scene.caller.open_stream() as socket:
        await scene.caller.begin(socket, invitation_in(document).ticket)
        await until(lambda: scene.caller.call_sid in scene.phone.phone.live)
        assert len(scene.phone.model.streams) == 1
    await until(lambda: len(scene.phone.records) == 1)
    assert scene.phone.records[0].reason == "media_disconnected"


async def test_what_never_comes_is_given_up_all_the_same(scene: Scene) -> None:
    """The service closes an unclaimed pre-warmed session four seconds after the pause."""
    await scene.remembered()
    await scene.caller.lose(3)
    await asyncio.sleep(8)
    await until(lambda: [record.reason for record in scene.phone.records] == ["never_connected"])
