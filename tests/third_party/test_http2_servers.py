"""Our own HTTP/2 gets along with servers and proxies that others wrote: Node, nghttpx (nghttp2) and HAProxy.

`python -m tests.third_party.servers` prints the table.
"""

from pathlib import Path

import pytest

from agent_core.nova.credentials import CredentialSource
from agent_core.nova.http2.client import Http2ModelClient
from standins.nova.server import NovaSettings, NovaStandin
from tests.support.score import Score
from tests.support.talk import Talk, talking
from tests.support.third_party import missing
from tests.support.waiting import until
from tests.third_party.servers import running
from tests.third_party.servers.__main__ import COLUMNS, OK, available, judge

PROXIES = ("nghttpx", "haproxy")


def _needs(name: str) -> None:
    if name not in available():
        missing(f"{name} is not installed (Debian: nghttp2-proxy, haproxy)")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", COLUMNS)
async def test_each_server_is_understood(name: str, tmp_path: Path) -> None:
    """Every behaviour of a server gives the event, or the error, that it means."""
    _needs(name)
    found = await judge(name, tmp_path)
    assert {what: outcome for what, outcome in found.items() if outcome != OK} == {}


@pytest.mark.parametrize("name", PROXIES)
async def test_a_conversation_passes_a_proxy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures and audio arrive whole, through a renewal of the stream."""
    _needs(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "standin")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "standin-secret")
    running.certify(tmp_path)
    async with (
        NovaStandin(NovaSettings(certificates=tmp_path / "nova", keep_sound=True), Score().backend()) as nova,
        running.behind(name, tmp_path, nova.port) as proxy,
    ):
        client = Http2ModelClient(
            region="us-east-1", endpoint=f"https://localhost:{proxy.port}", credentials=CredentialSource()
        )
        client.trust.load_verify_locations(proxy.authority)
        async with talking(Talk(nova, client, renew_after=3.0)) as talk:
            said = [await talk.ask() for _ in range(2)]
            await until(lambda: len(talk.model_sessions) > 1, 20)
            said.append(await talk.ask())
        assert talk.failure is None
        assert all(said)
        talk.balance()
