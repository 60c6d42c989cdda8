"""Decides what to reply, in a small conversation about the weather.

Maps transcripts and tool results to sentences and tool calls; no I/O.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from standins.nova import instructions
from standins.nova.results import unwrapped
from standins.nova.steps import Say, Step, ToolDeclaration, UseTool
from standins.nova.weather_dialogue import ambiguous_places, reply_texts
from standins.nova.weather_dialogue.gazetteer import is_american, place_of_caller
from standins.nova.weather_dialogue.nlu import Aspect, Intent, UnderstoodRequest, understand
from standins.nova.weather_dialogue.times import DAY_AFTER_TOMORROW, NEXT_WEEK, WEEKEND, When
from standins.speech.city_names import cities

CURRENT, FORECAST, END_CALL, TRANSFER = "get_current_weather", "get_weather_forecast", "end_call", "transfer_to_human"

IDENTITY = (
    "I am a stand-in for Nova Sonic that runs on this computer. I know weather questions, and {count} cities by ear."
)
GREETING = "Hello! I am a stand-in for Nova Sonic. Ask me about the weather in a city."
HELP = "Ask me, for example: what is the weather in Stockholm? Or: will it rain in London tomorrow?"
NOT_UNDERSTOOD = "Sorry, I did not understand that. Ask me about the weather in a city."
STILL_NOT_UNDERSTOOD = (
    "I still did not understand. I only know simple questions, such as: what is the weather in Paris?"
)
WHICH_CITY = "Which city?"
WHICH_DAY = "I can tell you about the coming days. Which day?"
NO_WEATHER = "I have no way to look up the weather in this call."
NO_HUMAN = "I'm sorry, I can't connect you to anybody from here."
CONNECTING = "One moment, I am connecting you."
NOBODY_FREE = "I am sorry, nobody is free right now. What else can I do for you?"
ON_THE_PAGE = "You can see on the page how to reach a person."
LOST = "Sorry, I lost you for a moment."
NO_GOODBYE_TOOL = "Goodbye! You can hang up now."

_INSTRUCTED = {
    instructions.InstructionKind.STILL_THERE: "Are you still there?",
    instructions.InstructionKind.LEAVE: "I have to go now. Goodbye!",
    instructions.InstructionKind.CONNECTING: CONNECTING,
    instructions.InstructionKind.NOBODY_FREE: NOBODY_FREE,
    instructions.InstructionKind.LOOKING_UP: "One moment, I am looking that up.",
    instructions.InstructionKind.NO_ANSWER: "I have no answer to that. What else can I help you with?",
    instructions.InstructionKind.WAITED: "Sorry for the wait. How can I help you?",
}


class Dialogue:
    """One conversation.

    Args:
        tools: Tools that the prompt declares; the dialogue calls no others.
        system: System prompt; a sentence such as "The caller is in Stockholm." sets the default place.
        history: (role, text) of an earlier session, oldest first; the dialogue remembers its last place.
        today: Returns the caller's date, for "the day after tomorrow".
    """

    def __init__(
        self,
        *,
        tools: Sequence[ToolDeclaration],
        system: str,
        history: Sequence[tuple[str, str]],
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        self._tools = {tool.name: tool.schema for tool in tools}
        self._today = today
        self._fresh = not history
        # The place that the next reply after a failure mentions.
        self._topic = UnderstoodRequest(Intent.WEATHER, place=place_of_caller(system))
        self._asked_about = ""
        self._misunderstood = 0
        self._introduced = bool(history)
        self._last_said: tuple[Say, ...] = ()
        self._which: tuple[ambiguous_places.Namesake, ...] = ()
        """Places that share a name, of which the caller must choose one."""
        # Replay the history as if it had just been spoken, so that a renewed session understands "and tomorrow?".
        # Only the last question about a name is open.
        for role, text in history:
            self._which = ambiguous_places.asked(text) if role.upper() == "ASSISTANT" else self._which
            if role.upper() == "USER" and not instructions.is_direction(text):
                self._remember(understand(text))

    def heard(self, text: str) -> Sequence[Step]:
        """Reply to the caller's words, or to an instruction of the application such as "Greet the caller"."""
        steps = self._answer(text)
        self._fresh = False
        said = tuple(step for step in steps if isinstance(step, Say))
        self._last_said = said or self._last_said
        return steps

    def tool_result(self, name: str, arguments: Mapping[str, Any], result: object) -> Sequence[Step]:
        """Turn a tool's result into a sentence; a result of any shape yields one."""
        # Results may be wrapped by the client, for example in a "result" field.
        result = unwrapped(result)
        place = ambiguous_places.spoken(_short(arguments.get("location")), result)
        # A list of places means that the name is ambiguous: ask before anything else.
        self._which = ambiguous_places.offered(result)
        if self._which:
            said = Say(ambiguous_places.question(result, self._which))
        elif isinstance(result, str) and result.strip():
            said = Say(reply_texts.prose(result))
        elif not isinstance(result, Mapping):
            said = Say(reply_texts.UNKNOWN_RESULT)
        elif "error" in result:
            said = self._failed(name, result["error"], place)
        elif name == CURRENT:
            said = Say(reply_texts.current(place, self._topic.aspect, result))
        elif name == FORECAST:
            said = Say(reply_texts.forecast(place, arguments, self._topic.aspect, result))
        elif name == TRANSFER:
            said = Say(ON_THE_PAGE if result.get("status") == "shown" else CONNECTING)
        # Other tools have no spoken result.
        else:
            return ()
        self._last_said = (said,)
        return (said,)

    def _failed(self, name: str, error: object, place: str) -> Say:
        if name == TRANSFER:
            return Say(NO_HUMAN)
        if name == END_CALL:
            return Say(NO_GOODBYE_TOOL)
        # Forget a place that does not exist, or every follow-up question would fail on it again.
        if error == "location_not_found":
            self._topic = replace(self._topic, place=None)
        return Say(reply_texts.failure(error, place))

    def _answer(self, text: str) -> Sequence[Step]:
        direction = instructions.read(text)
        if direction is not None:
            return self._follow(direction)
        # A choice such as "the one in Texas" completes the last question instead of starting a new one.
        meant, self._which = ambiguous_places.meant(text, self._which, self._topic.place), ()
        request = replace(understand(text), intent=Intent.DETAIL, place=meant) if meant else understand(text)
        if request.intent is not Intent.UNKNOWN:
            # An understood sentence resets the count of misunderstandings.
            self._misunderstood = 0
        if request.intent in (Intent.WEATHER, Intent.DETAIL):
            return self._weather(request)
        return self._small_talk(request.intent)

    def _follow(self, direction: instructions.Direction) -> Sequence[Step]:
        # A sentence that the application gives word for word is said first, as the model does it.
        first = (Say(direction.exactly),) if direction.exactly else ()
        if direction.kind is instructions.InstructionKind.DISCLOSE:
            return first
        return (*first, *self._follow_freely(direction))

    def _follow_freely(self, direction: instructions.Direction) -> Sequence[Step]:
        if direction.kind is instructions.InstructionKind.GREET:
            return self._greet()
        if direction.kind is instructions.InstructionKind.KEY:
            # Key 0 means an operator on most phone systems.
            return self._transfer() if direction.keys == "0" else (Say(f"You typed {direction.keys}. {HELP}"),)
        if direction.kind is instructions.InstructionKind.LOST:
            return self._take_up(direction.words)
        return (Say(_INSTRUCTED[direction.kind]),)

    def _take_up(self, words: str) -> Sequence[Step]:
        """Apologise, repeat the place of the last question, and answer the question that may have lost its reply."""
        request = understand(words)
        answer = self._weather(request) if request.intent in (Intent.WEATHER, Intent.DETAIL) else ()
        about = f" You asked about {self._asked_about}." if self._asked_about else ""
        return Say(LOST + about), *answer

    def _greet(self) -> Sequence[Step]:
        first, self._introduced = not self._introduced, True
        return (Say(GREETING if first else "Hello again! What can I do for you?"),)

    def _small_talk(self, intent: Intent) -> Sequence[Step]:
        answers: dict[Intent, Callable[[], Sequence[Step]]] = {
            Intent.GREETING: self._greet,
            Intent.GOODBYE: self._goodbye,
            Intent.HUMAN: self._transfer,
            Intent.REPEAT: lambda: self._last_said or (Say(HELP),),
            Intent.IDENTITY: lambda: (Say(IDENTITY.format(count=len(cities()))),),
            Intent.HELP: lambda: (Say(HELP),),
            Intent.THANKS: lambda: (Say("You are welcome."),),
            Intent.STOP: lambda: (Say("All right."),),
            Intent.NO: lambda: (Say("All right. Is there anything else?"),),
            Intent.YES: lambda: (Say("Which city, and which day?"),),
            # An unknown intent has no entry.
        }
        return answers.get(intent, self._not_understood)()

    def _not_understood(self) -> Sequence[Step]:
        self._misunderstood += 1
        # Say less the second time: repeating the same sentence would not help.
        return (Say(NOT_UNDERSTOOD if self._misunderstood == 1 else STILL_NOT_UNDERSTOOD),)

    def _goodbye(self) -> Sequence[Step]:
        if END_CALL not in self._tools:
            return (Say(NO_GOODBYE_TOOL),)
        return Say("Goodbye!"), UseTool(END_CALL, self._fitted(END_CALL, {"reason": "The caller said goodbye."}))

    def _transfer(self) -> Sequence[Step]:
        if TRANSFER not in self._tools:
            return (Say(NO_HUMAN),)
        # The arguments are fitted to the schema that the prompt declares.
        wanted = {"destination": "support", "reason": "The caller asked for a human."}
        return (UseTool(TRANSFER, self._fitted(TRANSFER, wanted)),)

    def _weather(self, request: UnderstoodRequest) -> Sequence[Step]:
        self._remember(request)
        # The tool forecasts single days, so a whole week needs one more question.
        if self._topic.when.day == NEXT_WEEK:
            return (Say(WHICH_DAY),)
        if self._topic.place is None:
            return (Say(WHICH_CITY),)
        name = CURRENT if self._is_now() else FORECAST
        # Fall back to the current weather if the prompt declares no forecast tool.
        name = name if name in self._tools else CURRENT if CURRENT in self._tools and self._is_now() else ""
        if not name:
            return (Say(NO_WEATHER),)
        return [UseTool(name, self._fitted(name, arguments)) for arguments in self._arguments(name)]

    def _remember(self, request: UnderstoodRequest) -> None:
        """Complete a question with what the last one said."""
        if request.intent not in (Intent.WEATHER, Intent.DETAIL):
            return
        # A follow-up such as "and tomorrow?" keeps what it does not mention.
        self._asked_about = request.place or self._asked_about
        last, follow_up = self._topic, request.intent is Intent.DETAIL
        # A new place resets the unit: Fahrenheit for Boston does not carry over to Paris.
        new_place = request.place is not None and request.place != last.place
        keeps_unit = request.unit or (last.unit if follow_up and not new_place else None)
        self._topic = UnderstoodRequest(
            Intent.WEATHER,
            place=request.place or last.place,
            when=request.when or (last.when if follow_up else When()),
            unit=keeps_unit,
            aspect=last.aspect if follow_up else request.aspect,
        )

    def _is_now(self) -> bool:
        topic = self._topic
        if topic.when.now or not topic.when:
            # "Do I need an umbrella?" asks for the rest of the day, "is it raining?" for this minute.
            return topic.when.now or topic.aspect is not Aspect.UMBRELLA or FORECAST not in self._tools
        return False

    def _arguments(self, name: str) -> list[dict[str, Any]]:
        topic = self._topic
        base: dict[str, Any] = {"location": topic.place}
        if topic.unit or "format" in self._tools[name].get("required", ("format",)):
            base["format"] = topic.unit or ("fahrenheit" if is_american(topic.place or "") else "celsius")
        if name == CURRENT:
            return [base]
        # The tool takes one day per call, so a weekend needs two calls.
        days = ["saturday", "sunday"] if topic.when.day == WEEKEND else [self._day(topic.when.day)]
        hour = {} if topic.when.hour is None else {"hour": topic.when.hour}
        return [base | {"day": day} | hour for day in days]

    def _day(self, day: str | None) -> str:
        if day == DAY_AFTER_TOMORROW:
            return (self._today() + dt.timedelta(days=2)).isoformat()
        return day or "today"

    def _fitted(self, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the arguments that the tool's schema declares, and replace values that its enum does not list."""
        properties = self._tools[name].get("properties")
        if not isinstance(properties, Mapping):
            return dict(wanted)
        return {key: _allowed(value, properties[key]) for key, value in wanted.items() if key in properties}


def _allowed(value: object, schema: object) -> object:
    choices = schema.get("enum") if isinstance(schema, Mapping) else None
    return choices[0] if isinstance(choices, list) and choices and value not in choices else value


def _short(location: object) -> str:
    """Shorten "Paris, France" to "Paris": the caller knows which one is meant."""
    return str(location).partition(",")[0] if isinstance(location, str) and location else "that place"
