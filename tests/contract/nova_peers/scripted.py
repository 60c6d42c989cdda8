"""A scripted language model for the stand-in: it detects loudness and speaks tones."""

from collections.abc import Sequence
from typing import Any

from standins.nova.backend import Backend, DeclaredTool, Step
from standins.nova.tones import LoudnessHearing, ToneSentence, ToneVoice, Use

GREETING = "Hello, I can tell you the weather."
ANSWER = "It is twenty one degrees in Stockholm now."
DETAIL = (
    "The wind is light and comes from the west, the sky is clear from north to south, nobody needs an umbrella "
    "today, no rain is on its way to the city and none is expected for the rest of the week, which is rare at "
    "this time of the year, and it will stay like that until late in the evening, as far as anybody can tell who "
    "looks at it from here."
)
GO_ON = "Of course, go on."


class ScriptedDialogue:
    """Greets, uses the weather tool for the first spoken words, and answers the next ones politely."""

    def __init__(self, *, tools: Sequence[DeclaredTool], system: str, history: Sequence[tuple[str, str]]) -> None:
        self.tools = [tool.name for tool in tools]
        self.system = system
        self.history = list(history)
        self._asked = False

    def heard(self, text: str) -> Sequence[Step]:
        """Follow the script."""
        if text == "hello":
            return [ToneSentence(GREETING)]
        if not self._asked and "get_current_weather" in self.tools:
            self._asked = True
            return [Use("get_current_weather", {"location": "Stockholm", "format": "celsius"})]
        return [ToneSentence(GO_ON)]

    def tool_result(self, name: str, arguments: dict[str, Any], result: dict[str, Any]) -> Sequence[Step]:
        """Follow the script."""
        failed = f"{name} of {arguments['location']} failed." if "error" in result else ""
        return [ToneSentence(failed or f"{ANSWER} {DETAIL}")]


def scripted_backend() -> Backend:
    """Combine the script with speech recognition and speech synthesis."""
    return Backend(LoudnessHearing(), ToneVoice(), ScriptedDialogue, "a script")
