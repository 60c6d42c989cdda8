"""Conversations with agents of any folder, in text."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from standins.nova.agent_dialogue.dialogue import AgentDialogue
from standins.nova.agent_dialogue.understanding import understanding
from standins.nova.steps import Say
from tests.support.agent_tools import BUILT_IN, MONDAY, TOOLS, Conversation, declared, folder

PARAPHRASES = Path(__file__).parents[2] / "fixtures" / "speech" / "paraphrases.yaml"
ENGLISH = ("trattoria", "dentist", "garage")
GREET = "The caller has just been connected. In one short sentence, greet them, and ask how you can help."


def _asks_for_a_name(arguments: Mapping[str, Any]) -> object:
    if "name" in arguments:
        return {"status": "booked", "speak": f"Your table is booked for {arguments['name']}."}
    return {"status": "free", "speak": "That is free. What name shall I book it under?", "next": "Ask for the name."}


@pytest.mark.parametrize("agent", [*ENGLISH, "boulangerie"])
def test_every_rehearsed_line_does_what_it_rehearses(agent: str) -> None:
    """Each rehearsal, said word for word, calls its tool with its arguments, or gives its answer."""
    conversation = Conversation(agent)
    for line in folder(agent).lines:
        conversation = Conversation(agent) if line.opens else conversation
        reply = conversation.say(line.says)
        if line.tool == "end_call":
            assert [name for name, _ in conversation.calls] == ["end_call"]
        elif line.calls_tool:
            ((tool, arguments),) = conversation.calls
            assert tool == line.tool
            assert line.arguments.items() <= arguments.items()
        else:
            assert (conversation.calls, reply) == ([], line.answers)


def test_a_part_with_one_tool_does_that_first() -> None:
    """The tools of the runtime, which every part may have, are not what a part is for."""
    name = {"type": "string", "description": "Full name"}
    tools = [declared("identify", ["name"], name=name), declared("capture", ["heard"], heard=name), *BUILT_IN]
    dialogue = AgentDialogue(folder("dentist"), tools=tools, history=(), has_parts=True, today=lambda: MONDAY)
    line = next(line for line in folder("dentist").lines if line.opens and line.calls_tool and not line.is_built_in)
    (said,) = dialogue.heard(line.says)
    assert isinstance(said, Say)
    assert "name" in said.text


def test_expected_words_are_not_an_answer() -> None:
    """A rehearsal says what a reply must contain; only `answers`, a tool or the documents may bring it about."""
    whole = folder("trattoria")
    line = next(line for line in whole.lines if line.answers)
    asked = replace(line, answers="", expected_words=("zebra",))
    known = replace(whole, knowledge=(), lines=tuple(asked if one is line else one for one in whole.lines))
    dialogue = AgentDialogue(known, tools=TOOLS["trattoria"], history=(), today=lambda: MONDAY)
    said = " ".join(step.text for step in dialogue.heard(line.says) if isinstance(step, Say))
    assert said
    assert "zebra" not in said


@pytest.mark.parametrize("agent", ENGLISH)
def test_free_wording_mostly_reaches_its_rehearsal(agent: str) -> None:
    """Of thirty paraphrases, at least two thirds reach their rehearsal."""
    known = understanding(folder(agent), {tool.name: tool.schema for tool in TOOLS[agent]}, lambda: MONDAY)
    leads_to = {line.rehearsal: line.tool if line.calls_tool else line.rehearsal for line in known.lines if line.opens}
    right = 0
    for said, rehearsal in yaml.safe_load(PARAPHRASES.read_text())[agent]:
        found = known.match(known.sentence(said), [])
        right += bool(found and found.is_understood and leads_to[found.line.line.rehearsal] == leads_to[rehearsal])
    print(f"{agent}: {right} of 30")  # noqa: T201 - the figure for a report: pytest -rP shows it
    assert right >= 20, f"{right} of 30"


@pytest.mark.parametrize("agent", ENGLISH)
def test_what_no_agent_knows_is_mostly_refused(agent: str) -> None:
    """Of twelve sentences about other things, at most one is taken for a rehearsed line."""
    wrong = [
        said
        for said in yaml.safe_load(PARAPHRASES.read_text())["nothing"]
        if "know" not in Conversation(agent).say(said) and "call" not in Conversation(agent).say(said)
    ]
    assert len(wrong) <= 1, wrong


def test_the_goodbye_gives_a_reason_of_the_declared_list() -> None:
    """The runtime lists the reasons for which a conversation may end, and refuses any other."""
    reasons = ["caller_said_goodbye", "caller_asked", "nothing_left"]
    ends = declared("end_call", ["reason"], reason={"type": "string", "enum": reasons})
    conversation = Conversation("trattoria", more=[ends])
    conversation.say("thank you, goodbye")
    assert conversation.calls == [("end_call", {"reason": "caller_said_goodbye"})]


def test_values_come_from_the_caller() -> None:
    """Other numbers, days and times than the rehearsed ones reach the tool; a part of the day is a time."""
    conversation = Conversation("trattoria")
    conversation.say("can I reserve a table for seven people on the twelfth of December at half past eight")
    assert conversation.calls == [("book_table", {"people": 7, "day": "2026-12-12", "time": "20:30"})]
    conversation.say("I would like to book a table for twenty one on Sunday morning")
    assert conversation.calls == [("book_table", {"people": 21, "day": "sunday", "time": "morning"})]


def test_a_follow_up_keeps_what_it_does_not_mention() -> None:
    """A change such as "make it three" has the number alone, and later corrections add to it."""
    conversation = Conversation("trattoria")
    conversation.say("I would like to book a table for two on Friday evening")
    conversation.say("make it four")
    assert conversation.calls == [("change_booking", {"people": 4})]
    conversation.say("at half past seven please")
    assert conversation.calls == [("change_booking", {"people": 4, "time": "19:30"})]


def test_a_missing_argument_is_asked_for() -> None:
    """Required arguments are asked for one after the other, with their own words, until all are there."""
    conversation = Conversation("trattoria")
    assert conversation.say("I need a table") == "For how many people?"
    assert conversation.say("for six of us") == "Which day?"
    assert conversation.say("on Saturday at one o'clock") == "People: 6. Day: saturday. Time: 13:00."
    assert conversation.calls == [("book_table", {"people": 6, "day": "saturday", "time": "13:00"})]


def test_a_question_can_be_answered_with_the_keypad() -> None:
    """Keys answer a question for a number; otherwise they have no meaning, and 0 is a person."""
    conversation = Conversation("garage")
    assert conversation.say("have you repaired my car") == "Please tell me: number of the order."
    conversation.say("The caller typed 4711 on the telephone keypad.")
    assert conversation.calls == [("repair_status", {"order": 4711})]
    assert conversation.say("The caller typed 7 on the telephone keypad.").startswith("You typed 7. Say, for example:")
    conversation.say("The caller typed 0 on the telephone keypad.")
    assert conversation.calls == [
        ("transfer_to_human", {"destination": "host", "reason": "The caller asked for a human."})
    ]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("Anna Rossi", "Anna Rossi"),
        ("my name is anna rossi", "Anna Rossi"),
        ("under the name McDonald please", "McDonald"),
    ],
)
def test_what_a_result_asks_for_is_filled_in(answer: str, name: str) -> None:
    """The tool asked for a name: it is called again with the name and all that was said before."""
    conversation = Conversation("trattoria", {"book_table": _asks_for_a_name})
    assert conversation.say("a table for two on Friday evening").endswith("What name shall I book it under?")
    assert conversation.say(answer) == f"Your table is booked for {name}."
    (call,) = conversation.calls
    assert call == ("book_table", {"people": 2, "day": "friday", "time": "evening", "name": name})


def test_another_wish_is_no_answer() -> None:
    """A question about cars is answered although a name was asked for, and the name can still be given."""
    conversation = Conversation("trattoria", {"book_table": _asks_for_a_name})
    conversation.say("a table for two on Friday evening")
    assert conversation.say("where can I park my car") == "There is a car park behind the house."
    assert conversation.say("thank you") == "You are welcome."
    assert "booked for Cooper" in conversation.say("the name is Cooper")


def test_a_result_can_lead_to_another_tool() -> None:
    """`next` names another tool: it is called once with what the caller said, or after a yes."""
    again = {"status": "has_table", "next": "To change this table, call change_booking."}
    conversation = Conversation("trattoria", {"book_table": again, "change_booking": {"next": "Now call book_table."}})
    conversation.say("I would like to book a table for two on Friday evening")
    assert [name for name, _ in conversation.calls] == ["book_table", "change_booking"]
    free = {"speak": "Monday is free. Shall I book it?", "next": "After a yes, call book_appointment."}
    conversation = Conversation("dentist", {"move_appointment": free})
    conversation.say("how much does a filling cost")
    conversation.say("please move my appointment to Monday")
    conversation.say("yes please")
    assert conversation.calls == [("book_appointment", {"treatment": "filling", "day": "monday"})]


@pytest.mark.parametrize(
    ("result", "reply"),
    [
        ({"speak": "Done, Friday at eight."}, "Done, Friday at eight."),
        ({"status": "booked", "table": 5, "day": "Friday"}, "Table: 5. Day: Friday."),
        ({"status": "booked"}, "That is done."),
        ("It is booked.", "It is booked."),
        (None, "I got an answer that I can't read. Please ask me something else."),
        ({"error": "timeout"}, "I'm sorry, that did not work. Please try again."),
        (
            {"error": "full", "next": "Say that Friday is full, and ask for another day."},
            "Friday is full. Please tell me: another day.",
        ),
        (
            {"error": "which", "next": "Ask for the name and the day, then call again."},
            "Please tell me: the name and the day.",
        ),
        (
            {"error": "invalid_arguments", "next": "Call it again, or ask the caller for what is missing."},
            "I'm sorry, that did not work. Please try again.",
        ),
    ],
)
def test_a_result_becomes_a_sentence(result: object, reply: str) -> None:
    """A result's sentence is said, otherwise its values; an error is said honestly."""
    conversation = Conversation("trattoria", {"book_table": result})
    assert conversation.say("I would like to book a table for two on Friday evening") == reply


@pytest.mark.parametrize("agent", [*ENGLISH, "nobody"])
def test_small_talk_works_for_every_agent(agent: str) -> None:
    """Greeting, thanks, identity, a person and goodbye need no rehearsal; it never pretends to be Nova."""
    conversation = Conversation(agent)
    assert "I am a stand-in for Nova Sonic" in conversation.say(GREET)
    assert conversation.say("Hello!").startswith("Hello again!")
    identity = conversation.say("Are you a real person?")
    assert identity.startswith("I am a stand-in for Nova Sonic")
    assert conversation.say("please repeat that") == identity
    assert conversation.say("thanks") == "You are welcome."
    assert conversation.calls == []
    assert conversation.say("can I talk to a person please") == "One moment, I am connecting you."
    assert [name for name, _ in conversation.calls] == ["transfer_to_human"]
    assert conversation.say("Goodbye") == "Goodbye!"
    assert [name for name, _ in conversation.calls] == ["end_call"]


def test_a_quoted_greeting_is_said_word_for_word() -> None:
    """The disclosure that this is an AI is the runtime's sentence."""
    disclosure = "You are speaking with an AI assistant of Trattoria Sole."
    assert Conversation("trattoria").say(f'Greet the caller. Begin with: "{disclosure}"') == disclosure


def test_what_is_not_understood_gets_other_examples_each_time() -> None:
    """It says so and names two lines that it knows, then two others."""
    conversation = Conversation("trattoria")
    first, second = conversation.say("blub blab"), conversation.say("xyzzy")
    assert "book a table for two on Friday evening" in first
    assert first != second
    assert "I have to cancel my booking for Sunday" in second
    assert conversation.say("") != conversation.say("")


def test_a_prompt_of_no_folder_gets_an_honest_reply() -> None:
    """The general dialogue knows the names of the declared tools, and says that it has no rehearsals."""
    more = (*BUILT_IN, declared("order_pizza", []))
    assert "It declares order pizza" in Conversation("nobody", more=more).say("a large pizza")
    assert Conversation("nobody").say("a large pizza") == "I only know small talk in this call."


def test_a_tool_that_is_not_declared_is_not_called() -> None:
    """A rehearsed line whose tool the prompt lacks is answered honestly."""
    dialogue = Conversation("trattoria").dialogue
    dialogue._tools.clear()
    (said,) = dialogue.heard("I would like to book a table for two on Friday evening")
    assert getattr(said, "text", "") == "I have no way to do that in this call."


def test_a_renewed_session_knows_what_was_said() -> None:
    """After a renewal, "make it three" is still about the table of the history."""
    history = [("USER", "I would like to book a table for two on Friday evening"), ("ASSISTANT", "Done.")]
    conversation = Conversation("trattoria", history=history)
    conversation.say("make it three")
    assert conversation.calls == [("change_booking", {"people": 3})]
    assert "lost you" in conversation.say('say that you lost them for a moment. Their words were: "when are you open".')
    assert "We are open for lunch" in conversation.say("when are you open")


def test_a_french_agent_speaks_french() -> None:
    """Typed French is understood and answered in French; what was spoken is not heard, and it says so."""
    conversation = Conversation("boulangerie")
    assert conversation.say(GREET).startswith("Bonjour !")
    conversation.say("Je voudrais commander douze baguettes pour dimanche, s'il vous plaît")
    assert conversation.calls == [("order_bread", {"count": 12, "day": "sunday"})]
    conversation.say("plutôt deux")
    assert conversation.calls == [("order_bread", {"count": 2, "day": "sunday"})]
    assert conversation.say("À quelle heure ouvrez-vous ?") == "Nous ouvrons à sept heures."
    assert conversation.say("Qui êtes-vous ?").startswith("Je remplace Nova Sonic")
    assert conversation.say("bla bla").startswith("Désolé, je n'ai pas compris.")
    assert (
        conversation.say("")
        == "Je ne comprends pas le français parlé sur cet ordinateur. Écrivez-moi, s'il vous plaît."
    )
    assert conversation.say("merci, au revoir") == "Au revoir !"
    assert [name for name, _ in conversation.calls] == ["end_call"]
