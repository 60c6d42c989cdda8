"""What a model could reveal if a caller talked it into saying everything that it knows."""

from datetime import UTC, datetime

from agent_core.agent_runtime import AgentRuntime
from agent_core.errors import ModelRejected
from agent_core.nova.stream import ModelStream
from agent_core.tools.goodbye import goodbye_tools
from agent_core.tools.transfer import transfer_tools
from agents.weather.open_meteo import OpenMeteo
from phone_agent.settings import PhoneSettings
from phone_agent.twilio_audio_sink import SAMPLE_RATE
from tests.support.agents import one_agent, weather_tools

SECRETS = {
    "twilio_account_sid": "AC" + "0a" * 16,
    "twilio_auth_token": "canary-auth-token",
    "twilio_api_sid": "SK" + "0b" * 16,
    "twilio_api_secret": "canary-api-secret",
    "public_base_url": "https://canary.example.com",
}
PEOPLE = "reception=sip:canary-desk@pbx.example.com,sales=tel:+46850000042"


class _NoModel:
    async def open(self, model_id: str) -> ModelStream:
        """Refuse."""
        raise ModelRejected("NoModel", model_id)


async def test_threat_06_the_model_knows_no_secret_and_may_do_little() -> None:
    """Its instructions and tools contain no key, number or address, and it has only these four tools."""
    settings = PhoneSettings.model_validate({**SECRETS, "transfer_destinations": PEOPLE})
    async with OpenMeteo() as weather:
        people = transfer_tools([person.name for person in settings.transfer_destinations])
        agent = AgentRuntime(
            settings, _NoModel(), one_agent([*weather_tools(weather), *goodbye_tools(), *people]), lambda _: None
        )
        prompt = agent.prompt((SAMPLE_RATE, SAMPLE_RATE), {"city": "Paris", "country": "FR"})
    known = f"{prompt.system}{prompt.tools}".replace(datetime.now(UTC).strftime("%Y"), "")
    hidden = [*SECRETS.values(), "canary", "pbx.example.com", "+468", "50000042"]
    assert [word for word in hidden if word in known] == []
    assert "reception" in known
    assert {tool.name for tool in prompt.tools} == {
        "get_current_weather",
        "get_weather_forecast",
        "end_call",
        "transfer_to_human",
    }


async def test_threat_05_nobody_is_called_unless_somebody_is_configured() -> None:
    """The transfer tool exists only with configured destinations; by default there are none."""
    settings = PhoneSettings.model_validate(SECRETS)
    assert settings.transfer_destinations == ()
    assert transfer_tools([]) == []
