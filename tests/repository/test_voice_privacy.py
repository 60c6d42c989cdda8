"""The services store nothing that callers say or press, and the docs name what operators must not ask for."""

import ast
import re
from pathlib import Path

from phone_agent.twiml import whisper
from tools.workspace import ROOT

PRODUCT = [
    path
    for member in ("shared/agent_core", "services/phone-agent", "services/webrtc-agent")
    for path in (ROOT / member / "src").rglob("*.py")
]
_RECORDS = re.compile(
    r"^(record|recording\w*|enable_recording\w*|enable_transcription\w*|start_recording\w*|transcri(be|ption)\w*callback\w*|pay|gather)$",
    re.IGNORECASE,
)
"""Verbs, attributes and properties with which Twilio and Daily record, transcribe or take payments."""


def recording_words(source: str) -> list[str]:
    """Return the texts and arguments of a source that would turn recording on, and its use of ``twilio.twiml``."""
    builds = "twilio.twiml" in source  # elsewhere a method may have the same name, such as asyncio.gather
    words = [_word(node, builds=builds) for node in ast.walk(ast.parse(source))]
    return [word for word in words if isinstance(word, str) and _RECORDS.match(word)]


def _word(node: ast.AST, *, builds: bool) -> object:
    match node:
        case ast.Constant(value=word) | ast.keyword(arg=word):
            return word
        case ast.Call(func=ast.Attribute(attr=word)) | ast.alias(name=word) if builds:
            return word
    return None


def test_threat_23_nothing_records() -> None:
    """No file uses a verb, attribute or property of a provider that stores a caller's voice."""
    found = {
        str(path.relative_to(ROOT)): word
        for path in PRODUCT
        for word in recording_words(path.read_text(encoding="utf-8"))
        if not _is_ours(path, word)
    }
    assert found == {}
    assert recording_words("from twilio.twiml.voice_response import Record") == ["Record"]
    assert recording_words("import twilio.twiml\nresponse.record(timeout=5)") == ["record"]
    assert recording_words('response.dial(record="record-from-answer")') == ["record"]
    assert recording_words('x = {"enable_recording": "cloud"}') == ["enable_recording"]


def _is_ours(path: Path, word: str) -> bool:
    """Return whether a name is one of our own end records, which hold counts only, or of played phrases."""
    if word == "recording" and path.name == "audio_output.py":
        return True
    if word == "gather":
        return path.name == "twiml.py"  # of the person who is called; see the test below
    return word == "record" and "media" not in path.name and "twiml" not in path.name and "daily" not in path.parts


def test_threat_23_only_the_key_of_the_person_who_is_called_is_gathered() -> None:
    """The only `<Gather>` is the whisper's: one key, no speech, and not of the caller."""
    document = whisper([("Press any key.", "en-US")], accept_url="https://a.example/accepted")
    [gather] = re.findall("<Gather[^>]*>", document)
    assert 'numDigits="1"' in gather
    assert "input" not in gather
    source = (ROOT / "services/phone-agent/src/phone_agent/twiml.py").read_text(encoding="utf-8")
    assert recording_words(source) == ["gather"]


def test_threat_23_operators_are_told() -> None:
    """SECURITY.md says that voice and keys go to AWS and Twilio, and what operators must not ask for."""
    advice = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for word in ("card number", "PIN", "recorded", "Bedrock", "Twilio", "Daily"):
        assert word in advice
