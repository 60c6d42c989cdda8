"""Write verdicts as a JUnit file, which every CI server reads."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from voice_agent.rehearse.verdict import TurnVerdict, Verdict


def junit(agent: str, verdicts: Sequence[Verdict]) -> bytes:
    """Return a document with a suite for each condition, and a test case for each turn."""
    root = ET.Element("testsuites", name=f"rehearsals of {agent}")
    for condition in dict.fromkeys(verdict.condition.name for verdict in verdicts):
        held = [verdict for verdict in verdicts if verdict.condition.name == condition]
        suite = ET.SubElement(root, "testsuite", name=f"{agent}: {condition}")
        cases = [_case(suite, agent, verdict, number, turn) for verdict in held for number, turn in _turns(verdict)]
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(cases)))
        suite.set("errors", "0")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _turns(verdict: Verdict) -> Sequence[tuple[int, TurnVerdict]]:
    return [*enumerate(verdict.turns, start=1)]


def _case(suite: ET.Element, agent: str, verdict: Verdict, number: int, turn: TurnVerdict) -> bool:
    """Add a test case, and return whether it failed."""
    attempt = f", attempt {verdict.attempt}" if verdict.attempt > 1 else ""
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{agent}.{verdict.channel}.{verdict.condition.name}",
        name=f"{verdict.rehearsal.name}, turn {number}{attempt}",
        file=str(verdict.rehearsal.path),
        line=str(turn.turn.line),
        time=f"{turn.observed.wait or 0:.3f}",
    )
    # What concerns the whole conversation fails its last turn, so that it is counted once.
    misses = [*turn.misses, *(verdict.misses if number == len(verdict.turns) else ())]
    if misses:
        text = "\n".join(f"{miss.kind} {miss}" for miss in misses)
        failure = ET.SubElement(case, "failure", message=str(misses[0]), type=misses[0].kind)
        failure.text = f"{text}\naudio: {verdict.audio or 'none'}"
    return bool(misses)
