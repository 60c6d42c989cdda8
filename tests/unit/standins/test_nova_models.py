"""Which models a request may name."""

import pytest

from standins.nova.errors import StreamRefused
from standins.nova.models import ALL, chosen

NOVA_2 = "amazon.nova-2-sonic-v1:0"
NOVA_2_5 = "amazon.nova-2-5-sonic"


@pytest.mark.parametrize("model_id", sorted(ALL))
def test_three_models_are_known(model_id: str) -> None:
    """Three models are known, by ID and by the ARN of the foundation model."""
    assert chosen(model_id, ALL, ()) == model_id
    assert chosen(f"arn:aws:bedrock:eu-north-1::foundation-model/{model_id}", ALL, ()) == model_id


@pytest.mark.parametrize(
    "name",
    [
        "amazon.nova-2-5-sonic-v1:0",
        "amazon.nova-3-sonic-v1:0",
        "amazon.nova-sonic",
        "us.amazon.nova-2-sonic-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/amazon.nova-2-sonic-v1:0",
        "amazon.nova-lite-v1:0",
        "",
    ],
)
def test_another_identifier_is_invalid(name: str) -> None:
    """Another ID, an inference profile and a model without streaming are rejected alike."""
    with pytest.raises(StreamRefused, match="The provided model identifier is invalid") as refusal:
        chosen(name, ALL, ())
    assert (refusal.value.kind, refusal.value.status) == ("ValidationException", 400)


def test_a_region_may_lack_a_model() -> None:
    """A model that a region does not offer is unknown there."""
    assert chosen(NOVA_2, {NOVA_2}, ()) == NOVA_2
    with pytest.raises(StreamRefused, match="identifier is invalid"):
        chosen(NOVA_2_5, {NOVA_2}, ())


def test_a_model_may_have_reached_the_end_of_its_life() -> None:
    """A model at its end of life is not found, with Bedrock's error message."""
    with pytest.raises(StreamRefused, match="reached the end of its life") as refusal:
        chosen(NOVA_2, ALL, {NOVA_2})
    assert (refusal.value.kind, refusal.value.status) == ("ResourceNotFoundException", 404)
