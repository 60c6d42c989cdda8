"""The stand-in's own sentences for one agent, in the agent's language. No I/O."""

import re
from collections.abc import Sequence

from standins.agents.rehearsals import Line
from standins.nova.agent_dialogue.understanding import Understanding
from standins.nova.instructions import InstructionKind
from standins.nova.small_talk import SmallTalk

_SHOWN_LINES = 2
_QUOTED = re.compile(r"[\"\u201c](?P<words>[^\"\u201d]{3,300})[\"\u201d]")

_INSTRUCTED = {
    InstructionKind.STILL_THERE: "still_there",
    InstructionKind.LEAVE: "leave",
    InstructionKind.CONNECTING: "connecting",
    InstructionKind.NOBODY_FREE: "nobody_free",
    InstructionKind.LOOKING_UP: "looking_up",
    InstructionKind.NO_ANSWER: "no_answer",
    InstructionKind.WAITED: "waited",
    InstructionKind.SAY_AGAIN: "say_again",
}
_REMARKS = {
    SmallTalk.STOP: "stop",
    SmallTalk.THANKS: "thanks",
    SmallTalk.NO: "no",
    SmallTalk.YES: "yes",
}


class Phrases:
    """Sentences for an agent.

    Args:
        known: What the agent understands.
        tools: Names of the tools that the prompt declares, without the runtime's own.
    """

    def __init__(self, known: Understanding, tools: Sequence[str]) -> None:
        self._known = known
        self._tools = tools
        self._say = known.language.sentences
        # Lines that end or transfer the call are no help: they are small talk.
        self._openings = [line for line in known.lines if line.opens and not line.is_built_in]

    def __getitem__(self, name: str) -> str:
        """Return a sentence without variables."""
        return self._say[name]

    @property
    def identity(self) -> str:
        """Who speaks: a stand-in, whatever the prompt says."""
        return self._say["identity"].format(name=self._known.name)

    @property
    def help(self) -> str:
        """What the caller can say."""
        return self._example("help", 0)

    def greeting(self, instruction: str, *, first: bool) -> str:
        """Return the greeting that an instruction quotes, such as the disclosure that this is an AI, or our own."""
        if quoted := _QUOTED.search(instruction):
            return quoted["words"].strip()
        return self._say["greeting" if first else "greeting_again"].format(name=self._known.name)

    def instructed(self, kind: InstructionKind) -> str:
        """Return what the application asks to say."""
        return self._say[_INSTRUCTED[kind]]

    def remark(self, remark: SmallTalk) -> str:
        """Return the reply to thanks, to yes or no."""
        return self._say[_REMARKS[remark]]

    def typed(self, keys: str) -> str:
        """Return the reply to keys without a meaning."""
        return f"{self._say['typed'].format(keys=keys)} {self.help}"

    def answer_to(self, line: Line) -> str:
        """Return the reply to a line without a tool: rehearsed, or a sentence of the agent's documents."""
        if line.answers:
            return line.answers
        expected = [word.casefold() for word in line.expected_words]
        documents = self._known.agent.knowledge if self._known.agent is not None else ()
        # A rehearsal may only say which words to expect; the documents then have the sentence.
        best = max(documents, key=lambda text: sum(word in text.casefold() for word in expected), default="")
        if any(word in best.casefold() for word in expected):
            return best
        # Saying the expected words themselves would pass a rehearsal that the agent's folder does not support.
        return self.help

    def not_understood(self, times: int) -> str:
        """Say so and name two lines that the agent knows, other ones each time: repeating them would not help."""
        return self._example("not_understood", times - 1)

    def _example(self, sentence: str, turn: int) -> str:
        if not self._openings:
            own = ", ".join(name.replace("_", " ") for name in self._tools)
            return self._say["tools"].format(tools=own) if own else self._say["alone"]
        at = _SHOWN_LINES * max(turn, 0)
        a, b = (self._openings[(at + more) % len(self._openings)].says.strip(" .?!") for more in range(_SHOWN_LINES))
        return self._say[sentence].format(a=a, b=b)
