"""The probes of `voice-agent doctor --live` against both readings of what the sources disagree about."""

import io
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_core.nova.credentials import CredentialSource
from agent_core.nova.wire import Usage
from agent_core.settings import NovaTransport
from deployment.console import Screen
from doctor.live import account_probes, live_command, model_probes, replay_recording, transport_probe
from doctor.live.model_probes import ModelProbes
from doctor.live.probe_result import ProbeResult
from doctor.live.recording import EventRecording
from doctor.options import DoctorOptions
from doctor.surroundings import MachineState
from standins.daily import DailyStandin
from standins.daily.faults import DailyFault
from standins.nova.faults import ModelFault
from standins.nova.pace import QUICK, Pace
from standins.nova.server import NovaSettings, NovaStandin
from standins.nova.service_limits import ServiceLimits
from standins.nova.tones import tone_backend
from tests.support.talk import MODEL, client, client_over

pytestmark = pytest.mark.thorough
OTHER = ServiceLimits(
    history_messages=1000,
    history_alternates=False,
    history_text_bytes=10_000,
    history_message_bytes=None,
    history_bytes=100_000,
    history_settle=0.0,
    tool_schema="any",
    audio_during_tools="refuse",
    audio_in_flight=0.05,
    silence_counts=False,
    idle=295.0,
)
"""The other reading of each source."""
STRICTEST = ServiceLimits()
FAST = 10.0
"""Seconds of the idle timeout that pass in one second. The probe allows a fifth of it, which is a second here."""
SETTLE = 0.6
"""Seconds between history and audio. On a busy machine the history may leave late, and the audio right behind it."""


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return the stand-in's keys through the product's credential chain."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "standin")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "standin-secret")


@asynccontextmanager
async def asked(
    path: Path, limits: ServiceLimits = STRICTEST, *, pace: Pace = QUICK, scale: float = 1.0
) -> AsyncIterator[tuple[NovaStandin, ModelProbes]]:
    """Run a stand-in with one reading, and return the settings of the probes; check the recording at the end."""
    settings = NovaSettings(limits=limits, pace=pace, clock_scale=scale)
    async with NovaStandin(settings, tone_backend()) as nova:
        recording = EventRecording(path)
        try:
            made = client(nova, CredentialSource())
            yield (
                nova,
                ModelProbes(
                    made,
                    MODEL,
                    recording,
                    patience=3.0,
                    settle=SETTLE,
                    speed=scale,
                    tool_words="use look_up",
                    at_once=3,
                    times=2,
                ),
            )
        finally:
            recording.close()


def rows(found: Sequence[ProbeResult]) -> dict[str, bool | None]:
    """Return whether each probe confirmed its assumption."""
    return {one.probe: one.assumed for one in found}


HISTORIES = (
    "P1 41 messages",
    "P1 100 messages",
    "P1 two user messages in a row",
    "P1 a text of 1100 bytes",
    "P1 one message in two texts, 1800 bytes",
    "P1 30 KB in total",
    "P1 audio right after the history",
)
"""The rows that differ between the readings; the others work under every reading."""


@pytest.mark.parametrize(("limits", "different"), [(STRICTEST, ()), (OTHER, HISTORIES)], ids=["strictest", "other"])
async def test_p1_histories_and_their_replay(limits: ServiceLimits, different: tuple[str, ...], tmp_path: Path) -> None:
    """The strictest reading confirms every assumption; the other one reports each row that can differ.

    Replaying its recording without the text against the strictest stand-in gives the same differences.
    """
    path = tmp_path / "events.jsonl"
    async with asked(path, limits) as (_, one):
        found = await model_probes.histories(one)
    assert {name for name, assumed in rows(found).items() if not assumed} == set(different)
    assert all(str(one).startswith("as assumed" if one.assumed else "different: ") for one in found)
    assert _WORDS not in path.read_text()
    if not different:
        return
    single = [one for one in found if one.probe.startswith(("P1 a text", "P1 two", "P1 one"))]
    async with asked(tmp_path / "unused.jsonl") as (_, one):
        differing = await replay_recording.differences(
            path, one.client, MODEL, tmp_path / "again.jsonl", only=[verdict.probe for verdict in single]
        )
    assert {line.partition(":")[0] for line in differing} == {one.probe for one in single if not one.assumed}


_WORDS = model_probes.alternating(1)[0][1][0]

CASES: list[tuple[str, Callable[[ModelProbes], Any], dict[str, Any], ModelFault | None, set[str]]] = [
    ("as assumed", model_probes.answers, {}, None, set()),
    ("slow", model_probes.answers, {"pace": replace(QUICK, think=6.0)}, None, {"P2 first audio"}),
    # One pause in each sentence is enough: the probe judges the longest gap.
    ("halting", model_probes.answers, {"pace": replace(QUICK, bursts=((1, 0.9), (1000, 0.0)))}, None, {"P6 cadence"}),
    ("late headers", model_probes.answers, {}, ModelFault(on="open", delay_ms=1500), {"P2 headers"}),
    ("as assumed", model_probes.schemas, {}, None, set()),
    (
        "loose schema",
        model_probes.schemas,
        {"limits": OTHER},
        None,
        {"P4 minimum and maximum", "P4 default", "P4c audio while a tool runs"},
    ),
    (
        "encoded twice",
        model_probes.schemas,
        {},
        ModelFault(on="tool_use", action="double_encoded"),
        {"P4b tool arguments"},
    ),
    ("as assumed", model_probes.idleness, {"scale": FAST}, None, set()),
    (
        "another idle limit",
        model_probes.idleness,
        {"limits": OTHER, "scale": FAST},
        None,
        {"P5 no audio for 55 s"},
    ),
    (
        "silence is nothing",
        model_probes.idleness,
        {"limits": ServiceLimits(silence_counts=False), "scale": FAST},
        None,
        {"P5 silence as audio"},
    ),
    ("as assumed", lambda one: model_probes.eight_kilohertz(one, live_command.sentence()), {}, None, set()),
    (
        "deaf",
        lambda one: model_probes.eight_kilohertz(one, bytes(8000)),
        {},
        None,
        {"P3 8 kHz in and out"},
    ),
]


@pytest.mark.parametrize(
    ("probe", "reading", "fault", "different"),
    [case[1:] for case in CASES],
    ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)],
)
async def test_each_probe_tells_both_readings_apart(
    probe: Callable[[ModelProbes], Any],
    reading: dict[str, Any],
    fault: ModelFault | None,
    different: set[str],
    tmp_path: Path,
) -> None:
    """Each probe distinguishes both readings: as assumed under the default, different under the other."""
    async with asked(tmp_path / "events.jsonl", **reading) as (nova, one):
        if fault is not None:
            nova.faults.add(fault)
        found = await probe(one)
    assert {name for name, assumed in rows(found).items() if not assumed} == different, [str(one) for one in found]


async def test_p13_holds_a_conversation_over_http2(tmp_path: Path) -> None:
    """The probe needs audio from the model, and names the cause if the model refuses our request."""
    async with asked(tmp_path / "events.jsonl") as (nova, one):
        direct = client_over(NovaTransport.H2, nova, CredentialSource())
        (found,) = await transport_probe.own_http2(one, direct)
        assert found.assumed, found
        for fault in (
            ModelFault(on="open", error="InvalidSignatureException"),
            ModelFault(on="session", error="validationException"),
        ):
            nova.faults.add(fault)
            (found,) = await transport_probe.own_http2(one, direct)
            assert found.assumed is False


@pytest.mark.real_time("httpx is asked in a thread, which the shared clock does not see")
async def test_p12_makes_a_room_and_a_token_and_leaves_nothing() -> None:
    """The Daily probe deletes its room, reports a failure as different, and skips Daily without a key."""
    async with DailyStandin() as standin:
        here = MachineState(Path(), {"DAILY_API_KEY": standin.api_key, "DAILY_API_URL": standin.api_url})
        assert rows(await _in_thread(account_probes.daily, here)) == {"P12 Daily": True}
        assert standin.ledger.created == standin.ledger.deleted
        standin.fail(DailyFault(on="token", action="status", status=500))
        assert rows(await _in_thread(account_probes.daily, here)) == {"P12 Daily": False}
    gone = await _in_thread(lambda where: account_probes.safely("P12", account_probes.daily, where), here)
    assert "refused the connection" in str(gone[0])
    assert rows(account_probes.daily(MachineState(Path(), {}))) == {"P12 Daily": None}


@pytest.mark.parametrize(("status", "assumed"), [(200, True), (401, False)])
def test_p9_asks_with_and_without_a_key(status: int, assumed: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a table
    """The weather probe sends the key to the customers' host only."""
    seen: list[httpx.URL] = []

    def answer(_: httpx.Client, url: str, params: dict[str, str]) -> httpx.Response:
        seen.append(httpx.URL(url, params=params))
        return httpx.Response(status)

    monkeypatch.setattr(httpx.Client, "get", answer)
    found = account_probes.weather(MachineState(Path(), {"OPEN_METEO_API_KEY": "key"}))
    assert list(rows(found).values()) == [assumed, assumed]
    assert [("apikey" in url.params, url.host.startswith("customer-")) for url in seen] == [
        (False, False),
        (True, True),
    ]


async def test_each_probe_has_its_cost(tmp_path: Path) -> None:
    """The tokens of each stream count for its probe, and the line has every probe and the sum."""
    async with asked(tmp_path / "events.jsonl") as (_, one):
        assert live_command.costs(one.usage).startswith("0.000 USD")
        await model_probes.answers(replace(one, times=1))
        await model_probes.schemas(replace(one, times=1))
    assert set(one.usage) == {"P2", "P4"}
    assert live_command.spent(one.usage["P2"]) > 0
    # A stream that ends early may report no tokens, so the sum has tokens of the test.
    many = Usage(speech_input=40_000, text_input=0, speech_output=20_000, text_output=0)
    said = live_command.costs({"P2": [many], "P4": [many, many]})
    found = re.fullmatch(r"(.*) USD, from .* \(P2 (.*), P4 (.*); the others nothing\)", said)
    assert found is not None
    total, first, second = (float(dollars) for dollars in found.groups())
    assert 0 < first < second < total
    assert total == pytest.approx(first + second, abs=0.002)


async def _in_thread[R](work: Callable[[MachineState], R], here: MachineState) -> R:
    import asyncio  # noqa: PLC0415 - used only here

    return await asyncio.to_thread(work, here)


def test_nothing_is_spent_without_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prints the cost first; without consent it spends nothing and writes no file."""

    def spend(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(live_command, "_model", spend)
    shown, given = io.StringIO(), DoctorOptions(out=tmp_path / "x.jsonl")
    assert live_command.run(MachineState(tmp_path, {}), Screen(shown), given) == 1
    assert "at most about 1 USD" in shown.getvalue()
    assert "nothing was done; pass --yes to confirm" in shown.getvalue()
    assert list(tmp_path.iterdir()) == []
