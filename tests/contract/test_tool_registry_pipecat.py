"""Pipecat's schema classes and its Nova adapter accept what the registry says about its tools."""

import pytest

from agent_core.tools.registry import ToolRegistry
from agents.weather.weather_report import Forecast
from tests.support.agents import weather_tools


class NoWeather:
    """A weather source that the test never calls."""

    async def forecast(self, location: str) -> Forecast:
        """Fail: the test must not call this."""
        raise AssertionError(location)


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")
def test_pipecat_takes_the_tools() -> None:
    """Names, descriptions and schemas reach the model unchanged through Pipecat."""
    from pipecat.adapters.llm.schemas.function_schema import FunctionSchema  # noqa: PLC0415 - it warns when imported
    from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema  # noqa: PLC0415
    from pipecat.adapters.llm.services.aws_nova_sonic_adapter import AWSNovaSonicLLMAdapter  # noqa: PLC0415

    specs = ToolRegistry(weather_tools(NoWeather())).specs
    schema = ToolsSchema(
        standard_tools=[
            FunctionSchema(spec.name, spec.description, properties=spec.properties, required=spec.required)
            for spec in specs
        ]
    )
    adapter = AWSNovaSonicLLMAdapter()  # type: ignore[no-untyped-call]
    tools = adapter.to_provider_tools_format(schema)
    assert [tool["toolSpec"]["name"] for tool in tools] == ["get_current_weather", "get_weather_forecast"]
    assert all('"enum": ["celsius", "fahrenheit"]' in tool["toolSpec"]["inputSchema"]["json"] for tool in tools)
