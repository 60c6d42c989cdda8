"""An unknown voice is rejected at start, not by the model during each call."""

import pytest

from agent_core import voices
from agent_core.errors import ConfigurationError
from agent_core.generations import GENERATIONS
from agent_core.settings import CoreSettings
from standins.nova import inputs
from standins.nova.errors import StreamFault
from standins.nova.models import MODELS
from standins.nova.protocol_state import ProtocolState
from standins.nova.service_limits import ServiceLimits

MODEL_IDS = [generation.model_id for generation in GENERATIONS]


def _start(voice: str, model_id: str) -> None:
    """Open a session with the stand-in, which has a list of its own."""
    audio = {"mediaType": "audio/lpcm", "sampleRateHertz": 8000, "sampleSizeBits": 16, "channelCount": 1}
    start = {"promptName": "p", "audioOutputConfiguration": {**audio, "voiceId": voice}}
    session = ProtocolState(model_id, ServiceLimits(), 0.0)
    session.receive(inputs.SessionStart(), 0.0)
    session.receive(inputs.PromptStart.model_validate(start), 0.0)


@pytest.mark.parametrize("model_id", MODEL_IDS)
def test_each_generation_has_its_voices(model_id: str) -> None:
    """Nova 2 and 2.5 have sixteen voices, the first generation has eleven; the stand-in accepts exactly these."""
    known = voices.of_model(model_id)
    assert known == MODELS[model_id].voices
    assert len(known) == (11 if model_id == "amazon.nova-sonic-v1:0" else 16)
    for voice in known:
        _start(voice, model_id)
    for voice in ("bob", "Matthew", "", "mathew"):
        with pytest.raises(StreamFault) as refused:
            _start(voice, model_id)
        assert refused.value.kind == "validationException"
        assert refused.value.message == (
            f"Received invalid id: '{voice}'. Please check AWS documentation for valid voiceIds."
        )


@pytest.mark.parametrize(
    ("voice", "suggested"),
    [("Matthew", "matthew"), ("mathew", "matthew"), ("tiffani", "tiffany"), ("TIFFANY", "tiffany"), ("bob", "")],
)
def test_a_voice_that_the_model_does_not_have_stops_the_service_at_its_start(
    monkeypatch: pytest.MonkeyPatch, voice: str, suggested: str
) -> None:
    """One line has the nearest voice, all voices, and how to use a new one anyway."""
    monkeypatch.setenv("NOVA_SONIC_VOICE", voice)
    with pytest.raises(ConfigurationError) as refused:
        CoreSettings.read()
    reason = refused.value.reason
    assert reason.startswith("NOVA_SONIC_VOICE: ")
    assert ("did you mean" in reason) is bool(suggested)
    assert f"did you mean {suggested}?" in reason or not suggested
    assert "carolina, florian" in reason
    monkeypatch.setenv("NOVA_SONIC_VOICE_UNLISTED", "true")
    assert CoreSettings.read().nova_sonic_voice == voice


def test_a_voice_belongs_to_a_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a model that is only an ARN, a voice of any generation is accepted."""
    monkeypatch.setenv("NOVA_SONIC_VOICE", "greta")
    with pytest.raises(ConfigurationError, match=r"not a voice of amazon\.nova-2-5-sonic"):
        CoreSettings.read()
    monkeypatch.setenv("NOVA_SONIC_MODEL_ID", "arn:aws:bedrock:us-east-1:123456789012:custom/x")
    assert CoreSettings.read().nova_sonic_voice == "greta"
