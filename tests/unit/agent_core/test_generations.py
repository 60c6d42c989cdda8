"""Which generation of the model a region gets, and which limits each generation has."""

import inspect

import pytest

from agent_core.errors import ConfigurationError
from agent_core.generations import GENERATIONS, NEWEST, model_for, regions
from agent_core.nova.prewarm_pool import PrewarmPool
from agent_core.nova.stream_watchdog import MUTED_SECONDS
from agent_core.settings import CoreSettings
from tests.support.templates import template

NEW, SECOND, FIRST = (one.model_id for one in GENERATIONS)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1"])
def test_a_region_gets_the_newest_that_it_offers(region: str) -> None:
    """A region gets the newest generation: all four regions of Nova 2 Sonic have Nova 2.5 Sonic."""
    assert model_for(NEWEST, region) == NEW == "amazon.nova-2-5-sonic"


def test_an_older_generation_is_taken_where_the_newest_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region without the newest generation gets an older one, since a new generation begins in few regions."""
    begun = (GENERATIONS[0].__class__("amazon.nova-3-sonic", ("us-east-1",), 55.0), *GENERATIONS)
    monkeypatch.setattr("agent_core.generations.GENERATIONS", begun)
    assert (model_for(NEWEST, "us-east-1"), model_for(NEWEST, "eu-north-1")) == ("amazon.nova-3-sonic", NEW)


def test_a_region_without_any_stops_the_start_and_names_those_that_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service does not start; otherwise every caller would hear the apology."""
    monkeypatch.setenv("NOVA_SONIC_REGION", "eu-west-1")
    with pytest.raises(ConfigurationError) as caught:
        CoreSettings.read()
    assert "eu-west-1" in caught.value.reason
    assert all(region in caught.value.reason for region in regions(GENERATIONS))
    assert {"NOVA_SONIC_REGION", "NOVA_SONIC_MODEL_ID"} <= set(caught.value.reason.replace(":", "").split())


@pytest.mark.parametrize("model", [SECOND, FIRST, "amazon.nova-3-sonic", "arn:aws:bedrock:eu-west-1::x/y"])
def test_an_explicit_model_is_asked_wherever_it_is(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """An explicit model is used in any region: the table is as old as the release, and an operator may know more."""
    monkeypatch.setenv("NOVA_SONIC_REGION", "eu-west-1")
    monkeypatch.setenv("NOVA_SONIC_MODEL_ID", model)
    assert CoreSettings.read().model_id == model


@pytest.mark.parametrize("model", ["latest", "Newest", "nova", "-"])
def test_what_can_be_no_model_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """A name that cannot be a model is rejected at start, not by Bedrock at the first call."""
    monkeypatch.setenv("NOVA_SONIC_MODEL_ID", model)
    with pytest.raises(ConfigurationError, match=r"^NOVA_SONIC_MODEL_ID: "):
        CoreSettings.read()


def test_the_templates_choose_as_the_services_do() -> None:
    """The role allows one model: a task that chose another would fail in every call."""
    permissions = template("permissions")
    (assertion,) = permissions["Rules"]["RegionOffersTheModel"]["Assertions"]
    offered, _ = assertion["Assert"]["Fn::Contains"]
    newest = permissions["Mappings"]["Models"]["Newest"]["Id"]
    assert {region: model_for(NEWEST, region) for region in regions(GENERATIONS)} == dict.fromkeys(offered, newest)
    assert all(region in assertion["AssertDescription"] for region in offered)


def test_no_generation_waits_for_audio_longer_than_it_can() -> None:
    """A muted caller's stream gets silence, and a pre-warmed one is used or closed, well before the shortest limit."""
    shortest = min(one.idle_seconds for one in GENERATIONS)
    kept = inspect.signature(PrewarmPool).parameters["keep"].default.total_seconds()
    assert max(MUTED_SECONDS, kept) * 2 < shortest
