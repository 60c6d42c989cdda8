"""Decides what an agent of any folder replies.

Maps transcripts and tool results to sentences and tool calls; no I/O.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from standins.agents.folder import AgentFolder
from standins.agents.matching import Match
from standins.agents.rehearsals import BUILT_IN, CAPTURE, END_CALL, TRANSFER
from standins.agents.rehearsed import RehearsedLine, Sentence
from standins.nova import instructions
from standins.nova.agent_dialogue import arguments, replies, results, small_talk
from standins.nova.agent_dialogue.captures import CaptureTalk, Pending
from standins.nova.agent_dialogue.memory import Memory, Request
from standins.nova.agent_dialogue.phrases import Phrases
from standins.nova.agent_dialogue.understanding import understanding
from standins.nova.instructions import Direction, InstructionKind
from standins.nova.results import unwrapped
from standins.nova.small_talk import SmallTalk
from standins.nova.steps import Say, Step, ToolDeclaration, UseTool

_CERTAIN = 0.7
"""Above this score a line counts although a wish such as goodbye would explain the words too."""
_LIKELY = 0.55
"""The same while the agent waits for an answer, which may be any words."""
_LITERAL = 0.95
"""Share of a line that has to be said where small talk would explain the words as well."""
_GO_TO = "go_to_"
"""Tools that lead to another part of the conversation."""
_SHORT = 3
"""Words of a remark that is nothing else, such as "yes please do"."""


class AgentDialogue:
    """One conversation with an agent.

    Args:
        agent: Its folder; None for a prompt that belongs to none, of which only small talk is understood.
        tools: Tools that the prompt declares; the dialogue calls no others.
        history: (role, text) of an earlier session, oldest first.
        has_parts: Whether the prompt is for one part of the conversation, with its own tools.
        today: Returns the caller's date.
    """

    def __init__(
        self,
        agent: AgentFolder | None,
        *,
        tools: Sequence[ToolDeclaration],
        history: Sequence[tuple[str, str]],
        has_parts: bool = False,
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        self._has_parts = has_parts
        self._tools = {tool.name: tool.schema for tool in tools}
        self._today = today
        self._known = understanding(agent, self._tools, today)
        self._phrases = Phrases(self._known, [name for name in self._tools if name not in BUILT_IN])
        self._memory = Memory()
        self._captures = CaptureTalk()
        self._introduced = bool(history)
        self._misunderstood = 0
        self._last_said: tuple[Say, ...] = ()
        self._last_words = ""
        self._wishes: list[str] = []
        """What the caller has said before a part of the conversation began."""
        # Replay the caller's part, so that a renewed session still knows what "make it three" is about.
        self._before = next((text for role, text in reversed(history) if role.upper() == "ASSISTANT"), "")
        for role, text in history:
            if role.upper() == "USER" and not instructions.is_direction(text):
                self._wishes.append(text)
                steps = self._answer(text)
                self._remember(steps)
                # Results are not in a history.
                if any(isinstance(step, UseTool) and step.name == CAPTURE for step in steps):
                    self._captures.assume()

    def heard(self, text: str) -> Sequence[Step]:
        """Reply to the caller's words, or to an instruction of the application such as "Greet the caller"."""
        direction = instructions.read(text)
        steps = self._follow(direction, text) if direction is not None else self._answer(text)
        self._remember(steps)
        return steps

    def tool_result(self, name: str, arguments_: Mapping[str, Any], result: object) -> Sequence[Step]:
        """Turn a tool's result into a sentence; a result of any shape yields one."""
        result = unwrapped(result)
        if name == END_CALL:
            # The goodbye has been said, unless the tool failed and the caller has to hang up.
            return (Say(self._phrases["no_goodbye"]),) if isinstance(result, Mapping) and "error" in result else ()
        if name == TRANSFER:
            return (Say(self._phrases[results.transfer_outcome(result)]),)
        if name == CAPTURE:
            return self._captures.result(result) or (Say(self._phrases["failed"]),)
        request = self._memory.result_of(name, arguments_, result)
        follow = self._redirected(request, result)
        if follow is not None:
            return (follow,)
        said = Say(replies.reply(result, request.answers, self._known.language))
        self._memory.ask_for(results.asked_by(self._tools, name, result))
        self._memory.proposed = results.proposed_by(self._tools, request.tool, result)
        self._last_said = (said,)
        return (said,)

    def _remember(self, steps: Sequence[Step]) -> None:
        said = tuple(step for step in steps if isinstance(step, Say))
        self._last_said = said or self._last_said
        for step in steps:
            if isinstance(step, UseTool) and step.name != CAPTURE:
                self._memory.called(step.name, step.arguments)

    def _answer(self, text: str) -> Sequence[Step]:
        sentence = self._known.sentence(text)
        if not sentence.words:
            # The second time, examples help more than a repetition. In a language that is not heard, nothing helps.
            self._misunderstood += self._known.is_heard
            again = self._misunderstood > 1 and self._known.is_heard
            return (Say(self._phrases.not_understood(self._misunderstood) if again else self._phrases["cannot_hear"]),)
        self._last_words = text
        steps = self._understood(text, sentence)
        self._misunderstood = self._misunderstood + 1 if steps is None else 0
        return steps if steps is not None else (Say(self._phrases.not_understood(self._misunderstood)),)

    def _understood(self, text: str, sentence: Sentence) -> Sequence[Step] | None:
        """Return the reply; None if nothing explains the words."""
        wish = small_talk.wish(text, self._known.language)
        if wish is SmallTalk.IDENTITY:
            return (Say(self._phrases.identity),)
        if wish is None and (captured := self._captured(text)) is not None:
            return captured
        found = self._known.match(sentence, self._memory.follow_ups(self._tools_of()))
        match = found if found is not None and found.is_understood and self._suits(found, wish) else None
        if match is not None and self._is_certain(match, sentence):
            return self._follow_line(match.line, sentence)
        if wish is not None:
            return self._wish(wish)
        return self._fill(text, sentence) or self._likely(text, sentence, match)

    def _captured(self, text: str) -> Sequence[Step] | None:
        """Take the words as a value that is being captured, or as the yes or no to it."""
        follows = self._captures.heard(text, small_talk.remark(text, self._known.language))
        if not isinstance(follows, Pending):
            return None if follows is None else (follows,)
        request = self._memory.request
        if request is None or request.tool not in self._tools:
            return None
        given = {**request.arguments, follows.name: follows.handle}
        return self._request(Request(request.tool, given, request.answers))

    def _is_certain(self, match: Match, sentence: Sentence) -> bool:
        """Return whether a line counts whatever else could explain the words."""
        if self._known.matcher.has_content(sentence):
            return match.score >= (_LIKELY if self._memory.missing else _CERTAIN)
        # Once something was asked for, "on Friday" alone is a value and not a line.
        return match.score >= _CERTAIN and self._memory.request is None

    def _likely(self, text: str, sentence: Sentence, match: Match | None) -> Sequence[Step] | None:
        """Return the reply to words that answer no question: a line, a correction, or small talk."""
        # A value alone, such as "at half past seven", is about the last request and opens no new one.
        is_value = bool(sentence.slots) and not self._known.matcher.has_content(sentence)
        corrects = match is None or (is_value and match.line.line.opens)
        if corrects and (corrected := self._corrected(sentence)):
            return corrected
        remarked = self._remark(text) if match is None or self._is_by_the_way(sentence, match) else None
        return remarked or (self._follow_line(match.line, sentence) if match is not None else None)

    def _suits(self, match: Match, wish: SmallTalk | None) -> bool:
        """Return whether a line may be followed: "thank you" alone is no goodbye, although a rehearsal has both."""
        tool = match.line.line.tool
        # What was said as a value in a rehearsal is one only where a value is awaited.
        if tool == CAPTURE:
            return False
        if tool == END_CALL:
            return wish is SmallTalk.GOODBYE or match.complete >= _LITERAL
        return tool != TRANSFER or wish is SmallTalk.HUMAN or match.complete >= _LITERAL

    def _is_by_the_way(self, sentence: Sentence, match: Match) -> bool:
        """Return whether a line contains the words only by the way, such as "hello"."""
        says_more = bool(sentence.slots) or self._known.matcher.has_content(sentence)
        return not says_more and match.complete < _LITERAL

    def _wish(self, wish: SmallTalk) -> Sequence[Step]:
        if wish is SmallTalk.HUMAN:
            return self._transfer()
        if wish is SmallTalk.GOODBYE:
            return self._goodbye()
        return self._last_said or (Say(self._phrases.help),)

    def _remark(self, text: str) -> Sequence[Step] | None:
        remark = small_talk.remark(text, self._known.language)
        if remark is SmallTalk.YES and (agreed := self._agreed()):
            return agreed
        if remark is SmallTalk.GREETING:
            return self._greet("")
        if remark is SmallTalk.HELP:
            return (Say(self._phrases.help),)
        # "please translate this" is neither a yes nor a no.
        if remark is None or (remark in (SmallTalk.YES, SmallTalk.NO) and len(text.split()) > _SHORT):
            return None
        return (Say(self._phrases.remark(remark)),)

    def _follow_line(self, line: RehearsedLine, sentence: Sentence) -> Sequence[Step]:
        spoken = line.line
        if spoken.tool == END_CALL:
            return self._goodbye()
        if spoken.tool == TRANSFER:
            return self._transfer(spoken.arguments)
        self._memory.rehearsal = spoken.rehearsal
        if not spoken.calls_tool and (opened := self._opened(spoken.leads_to, spoken.answers)):
            return opened
        if not spoken.calls_tool:
            return (Say(self._phrases.answer_to(line.line)),)
        tool = str(spoken.tool)
        if tool not in self._tools:
            return self._first_of_part(sentence) or (Say(self._phrases["no_tool"]),)
        wanted = arguments.parameters(self._tools[tool])
        said = self._arguments(sentence, wanted, line)
        known = self._memory.known_for(tool, wanted, opens=spoken.opens)
        return self._request(Request(tool, {**known, **said}, spoken.answers))

    def _first_of_part(self, sentence: Sentence) -> Sequence[Step] | None:
        """Do what this part of the conversation is for, if it has one tool: the wish belongs to a later part."""
        own = [name for name in self._tools if name not in BUILT_IN and not name.startswith(_GO_TO)]
        if len(own) != 1 or not self._has_parts:
            return None
        # A tool without arguments waits for a yes, which this is not.
        if not arguments.parameters(self._tools[own[0]]):
            return (Say(self._before),) if self._before else None
        request = self._memory.request
        before = request.arguments if request is not None and request.tool == own[0] else {}
        said = self._arguments(sentence, arguments.parameters(self._tools[own[0]]))
        return self._request(Request(own[0], {**before, **said}))

    def _opened(self, tool: str, answers: str) -> Sequence[Step] | None:
        """Begin a request whose tool needs a value that has to be captured first."""
        wanted = arguments.parameters(self._tools.get(tool, {}))
        if answers or CAPTURE not in self._tools or not any(one.captured and one.required for one in wanted):
            return None
        return self._request(Request(tool, {}))

    def _request(self, request: Request) -> Sequence[Step]:
        """Call a tool, or ask for a required argument that it lacks."""
        wanted = arguments.parameters(self._tools[request.tool])
        missing = [one for one in wanted if one.required and one.name not in request.arguments]
        self._memory.open(request, missing)
        if missing and missing[0].captured and CAPTURE in self._tools:
            self._captures.ask(missing[0].name, missing[0].captured)
        if missing:
            return (Say(arguments.question(missing[0], self._known.language)),)
        return (UseTool(request.tool, request.arguments),)

    def _arguments(
        self, sentence: Sentence, wanted: Sequence[arguments.Parameter], line: RehearsedLine | None = None
    ) -> dict[str, Any]:
        # A captured value is known by its handle alone, whatever the sentence contains.
        handles = {one.name for one in wanted if one.captured and CAPTURE in self._tools}
        plain = [one for one in wanted if one.name not in handles]
        found = arguments.arguments_from(sentence, plain, line, self._known.language, self._today)
        return {name: value for name, value in found.items() if name not in handles}

    def _fill(self, text: str, sentence: Sentence) -> Sequence[Step] | None:
        """Take the words as the answer to an open question."""
        request, missing = self._memory.request, self._memory.missing
        if request is None or not missing or request.tool not in self._tools:
            return None
        if missing[0].captured and CAPTURE in self._tools:
            return None  # words are no handle
        wanted = arguments.parameters(self._tools[request.tool])
        # What was asked for comes first, so that "Friday at seven" fills the day that was missing.
        said = self._arguments(sentence, [*missing, *(one for one in wanted if one not in missing)])
        first = missing[0]
        if not said and first.kind == "text" and not first.choices and not self._is_remark(text):
            said = {first.name: arguments.free_text(sentence, self._known.language, name=first.is_name)}
        said = {name: value for name, value in said.items() if value != ""}
        return self._request(Request(request.tool, {**request.arguments, **said}, request.answers)) if said else None

    def _is_remark(self, text: str) -> bool:
        return small_talk.remark(text, self._known.language) is not None and len(text.split()) <= _SHORT

    def _corrected(self, sentence: Sentence) -> Sequence[Step] | None:
        """Repeat the last tool with other values: "no, on Saturday"."""
        last = self._memory.request
        if last is None or last.tool not in self._tools or not sentence.slots:
            return None
        said = self._arguments(sentence, arguments.parameters(self._tools[last.tool]))
        return self._request(Request(last.tool, {**last.arguments, **said}, last.answers)) if said else None

    def _redirected(self, request: Request, result: object) -> UseTool | None:
        """Follow a result whose `next` names another tool, once: "To change this table, call change_booking."."""
        other = results.proposed_by(self._tools, request.tool, result)
        if other is None or request.redirected or not isinstance(result, Mapping) or "speak" in result:
            return None
        wanted = arguments.parameters(self._tools[other])
        said = self._arguments(self._known.sentence(self._last_words), wanted)
        if any(one.required and one.name not in said for one in wanted):
            return None
        self._memory.open(Request(other, said, request.answers, redirected=True), [])
        self._memory.called(other, said)
        return UseTool(other, said)

    def _agreed(self) -> Sequence[Step] | None:
        """Call the tool that the last result proposed: "After a yes, call book_appointment."."""
        other, last = self._memory.proposed, self._memory.request
        if other is None or last is None:
            return None
        wanted = arguments.parameters(self._tools[other])
        values = {**self._memory.values, **last.arguments}
        known = {one.name: values[one.name] for one in wanted if one.required and one.name in values}
        return self._request(
            Request(other, known | {n: v for n, v in last.arguments.items() if n in {w.name for w in wanted}})
        )

    def _follow(self, direction: Direction, text: str) -> Sequence[Step]:
        if direction.kind is InstructionKind.GREET:
            return self._greet(text)
        if direction.kind is InstructionKind.KEY:
            return self._typed(direction.keys)
        if direction.kind is InstructionKind.VALUE:
            self._captures.typed(direction.handle)
        if direction.kind is InstructionKind.LOST:
            again = self._answer(direction.words) if direction.words else ()
            return Say(self._phrases["lost"]), *again
        if direction.kind is InstructionKind.STAGE:
            return self._begin_stage(direction)
        # A sentence that the application gives word for word is said as it is.
        exactly = (Say(direction.exactly),) if direction.exactly else ()
        if direction.kind in (InstructionKind.DISCLOSE, InstructionKind.VALUE):
            return exactly
        return (*exactly, Say(self._phrases.instructed(direction.kind)))

    def _begin_stage(self, direction: Direction) -> Sequence[Step]:
        said = [str(direction.result["speak"])] if "speak" in direction.result else []
        said += [direction.exactly] if direction.exactly else []
        steps: tuple[Step, ...] = tuple(Say(words) for words in said)
        # Without a sentence to begin with, the instructions of the part say to do what the caller wants.
        wish = None if direction.exactly else self._wish_of(direction.words)
        return (*steps, *([wish] if wish is not None else [])) or (Say(self._phrases.help),)

    def _wish_of(self, words: str) -> UseTool | None:
        """Return the tool that does what the caller has asked for in an earlier part; None without one.

        A rehearsal of it has the last words of that part, and the tool that follows on them here.
        """
        found = self._known.match(self._known.sentence(words), {self._memory.rehearsal}) if words else None
        tool = str(found.line.line.tool) if found is not None and found.line.line.calls_tool else ""
        if tool not in self._tools:
            return None
        wanted = arguments.parameters(self._tools[tool])
        values: dict[str, Any] = {}
        for wish in self._wishes:
            values |= self._arguments(self._known.sentence(wish), wanted)
        if any(one.required and one.name not in values for one in wanted):
            return None
        self._memory.open(Request(tool, values), [])
        return UseTool(tool, values)

    def _greet(self, instruction: str) -> Sequence[Step]:
        first, self._introduced = not self._introduced, True
        return (Say(self._phrases.greeting(instruction, first=first)),)

    def _typed(self, keys: str) -> Sequence[Step]:
        # Key 0 means an operator on most phone systems.
        if keys == "0":
            return self._transfer()
        answered = self._fill(keys, self._known.sentence(keys)) if self._memory.missing and keys.isdecimal() else None
        return answered or (Say(self._phrases.typed(keys)),)

    def _goodbye(self) -> Sequence[Step]:
        if END_CALL not in self._tools:
            return (Say(self._phrases["no_goodbye"]),)
        return Say(self._phrases["goodbye"]), UseTool(END_CALL, self._built_in(END_CALL, "The caller said goodbye."))

    def _transfer(self, rehearsed: Mapping[str, Any] = MappingProxyType({})) -> Sequence[Step]:
        if TRANSFER not in self._tools:
            return (Say(self._phrases["no_person"]),)
        fitted = self._built_in(TRANSFER, "The caller asked for a human.")
        # A rehearsal names the person; one that the prompt does not offer stays out.
        allowed = {one.name: one.choices for one in arguments.parameters(self._tools[TRANSFER])}
        named = {name: value for name, value in rehearsed.items() if value in allowed.get(name, ())}
        return (UseTool(TRANSFER, fitted | named),)

    def _built_in(self, tool: str, reason: str) -> dict[str, Any]:
        """Return the arguments of a tool of the runtime: the first listed destination, and the reason."""
        wanted = {one.name: one for one in arguments.parameters(self._tools[tool])}
        said = self._known.sentence(self._last_words)
        named = self._arguments(said, [one for one in wanted.values() if one.choices])
        first = {name: one.choices[0] for name, one in wanted.items() if one.choices and one.required}
        # A reason that is one of a list is among the first choices already.
        free = "reason" in wanted and not wanted["reason"].choices
        return {**first, **named} | ({"reason": reason} if free else {})

    def _tools_of(self) -> Mapping[str, Collection[str]]:
        """Return the tools that open each rehearsal."""
        return {line.rehearsal: {str(line.tool)} for line in self._known.lines if line.opens}
