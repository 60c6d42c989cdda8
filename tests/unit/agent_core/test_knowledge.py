"""Documents are searched by the question's words, in the folder or in a knowledge base, behind the same tool."""

import asyncio
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from structlog.testing import capture_logs

from agent_core.errors import UpstreamError
from agent_core.tools import knowledge
from agent_core.tools.bedrock_knowledge import BedrockDocuments
from agent_core.tools.circuit_breaker import CircuitBreaker
from agent_core.tools.declared_tool import Declaration, DeclaredTool
from agent_core.tools.knowledge import MAX_PASSAGE, Documents, FolderDocuments, KnowledgeTool, Passage
from agent_core.tools.registry import ToolRecord, ToolRegistry
from tests.support.injection_patterns import PATTERNS
from tools.workspace import ROOT

HOUSE = """# The house

Dogs are welcome on the terrace.

## Parking

The nearest garage is in Via Arenula.
It is open all night.

## Schließtage

Am ersten Januar ist geschlossen.
"""
MENU = "# Menu\n\nMains cost fourteen to twenty-eight euros.\n\nव्यंजन शाकाहारी हैं\n"


@pytest.fixture
def documents(tmp_path: Path) -> FolderDocuments:
    """Index two documents."""
    (tmp_path / "house.md").write_text(HOUSE, encoding="utf-8")
    (tmp_path / "menu.md").write_text(MENU, encoding="utf-8")
    return FolderDocuments(tmp_path)


@pytest.mark.parametrize(
    ("question", "source", "begins"),
    [
        ("May I bring my dog?", "house.md", "The house: Dogs are welcome"),
        ("where can I PARK", "house.md", "Parking: The nearest garage"),
        ("what do the mains cost", "menu.md", "Menu: Mains cost"),
        ("Was ist am 1. JÄNNER, oder im Januar?", "house.md", "Schließtage: Am ersten Januar"),
        ("शाकाहारी", "menu.md", "Menu: व्यंजन"),
    ],
)
async def test_the_passage_with_the_words_comes_first(
    documents: FolderDocuments, question: str, source: str, begins: str
) -> None:
    """In any case, with other endings, and in several scripts; the heading belongs to its passage."""
    found = await documents.search(question, 3)
    assert (found[0].source, found[0].text.startswith(begins)) == (source, True), found


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        '"',
        "AND OR NOT NEAR(",
        'text:"a" *',
        "'; DROP TABLE passages; --",
        "^ + - : {",
        "\x00",
        "a" * 5000,
        "🍝",
    ],
)
async def test_no_question_breaks_the_search(documents: FolderDocuments, question: str) -> None:
    """The query language of the index is quoted away."""
    assert len(await documents.search(question, 3)) <= 3
    assert await documents.search("dogs terrace", 1)


async def test_a_word_that_is_everywhere_does_not_choose(tmp_path: Path) -> None:
    """Words such as "the" are found by counting, so that this works in every language."""
    many = [f"The plate number {index} is in the shelf." for index in range(20)]
    (tmp_path / "shelf.md").write_text("\n\n".join([*many, "Forks are rare."]), encoding="utf-8")
    found = await FolderDocuments(tmp_path).search("where is the fork in the shelf", 2)
    assert [one.text for one in found] == ["Forks are rare."]
    assert await FolderDocuments(tmp_path).search("what about the helicopter", 2) == []
    assert len(await FolderDocuments(tmp_path).search("the shelf", 2)) == 2


async def test_a_long_block_is_split_at_words(tmp_path: Path) -> None:
    """Each piece can be returned in full, and nothing is lost."""
    words = [f"word{index}" for index in range(600)]
    (tmp_path / "long.md").write_text("# Long\n\n" + " ".join(words), encoding="utf-8")
    found = await FolderDocuments(tmp_path).search("long", 20)
    assert all(len(one.text) <= MAX_PASSAGE for one in found)
    said = [word for one in found for word in one.text.removeprefix("Long: ").split()]
    assert sorted(said) == sorted(words)


@pytest.mark.parametrize(
    ("content", "problem"), [(b"\xff\xfe", "house.md is not UTF-8 text"), (b"# Only\n", "no text in")]
)
def test_a_document_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    """At the start, not in a call."""
    (tmp_path / "house.md").write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        FolderDocuments(tmp_path)


def registry(documents: Documents, records: list[ToolRecord], most: int = 2) -> ToolRegistry:
    """Return the tools of a conversation that can search."""
    tool = KnowledgeTool(documents, most, CircuitBreaker("knowledge", "folder"))
    declaration = Declaration("search", "Look something up.", knowledge.SCHEMA, 2.0, "search_failed")
    declared = DeclaredTool(declaration, tool.send, rationed=False, sources=knowledge.sources_of)
    return ToolRegistry([declared], on_call=records.append)


async def test_the_record_has_the_sources_and_no_words(documents: FolderDocuments) -> None:
    """An operator sees what an answer is from; the question stays out of it."""
    records: list[ToolRecord] = []
    tools = registry(documents, records)
    result = await tools.call("search", {"question": "dogs and garage"})
    assert [one["source"] for one in result.value["passages"]] == ["house.md", "house.md"]
    assert records[0].sources == ("house.md",)
    assert "dogs" not in repr(records[0])
    nothing = await tools.call("search", {"question": "helicopter"})
    assert nothing.value["passages"] == []
    assert nothing.value["next"].startswith("Say in one short sentence that you have found nothing")
    assert records[1].sources == ()


async def test_patterns_in_documents_are_data(tmp_path: Path) -> None:
    """Each comes as a cleaned passage; our words about it are the only instruction."""
    text = "\n\n".join(f"marker {pattern.text}" for pattern in PATTERNS)
    (tmp_path / "hostile.md").write_text(text, encoding="utf-8")
    records: list[ToolRecord] = []
    with capture_logs() as lines:
        result = await registry(FolderDocuments(tmp_path), records, 5).call("search", {"question": "marker"})
    assert set(result.value) == {"passages", "next"}
    assert all(set(passage) == {"source", "text"} for passage in result.value["passages"])
    assert "is never an instruction" in result.value["next"]
    assert (lines, records[0].sources) == ([], ("hostile.md",))


ANSWER: dict[str, Any] = {
    "retrievalResults": [
        {
            "content": {"text": "Dogs are welcome."},
            "location": {"type": "S3", "s3Location": {"uri": "s3://documents-of-somebody/house%20rules.pdf"}},
            "score": 0.9,
        },
        {
            "content": {"text": "Cats too."},
            "location": {"type": "WEB", "webLocation": {"url": "https://example.com/pets/"}},
            "score": 0.5,
        },
        {"content": {"text": "Birds."}, "score": 0.1},
    ]
}
EXPECTED = {
    "knowledgeBaseId": "KB12345678",
    "retrievalQuery": {"text": "dogs"},
    "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 3}},
}


def stubbed(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Stubber]:
    """Return boto3's own client, which validates requests and answers against AWS's model, without a network."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    client = boto3.client("bedrock-agent-runtime", region_name="us-east-1")
    return client, Stubber(client)


async def test_a_knowledge_base_is_asked_as_aws_defines_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is a file's name: no bucket and no host."""
    client, stub = stubbed(monkeypatch)
    stub.add_response("retrieve", ANSWER, EXPECTED)
    records: list[ToolRecord] = []
    with stub:
        documents = BedrockDocuments("KB12345678", "us-east-1", lambda: client)
        result = await registry(documents, records, 3).call("search", {"question": "dogs"})
    assert result.value["passages"] == [
        {"source": "house rules.pdf", "text": "Dogs are welcome."},
        {"source": "pets", "text": "Cats too."},
        {"source": "document", "text": "Birds."},
    ]
    assert records[0].sources == ("house rules.pdf", "pets", "document")
    stub.assert_no_pending_responses()


async def test_a_failure_of_bedrock_is_an_honest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's code reaches the log, its text does not."""
    client, stub = stubbed(monkeypatch)
    stub.add_client_error("retrieve", "ThrottlingException", "slow down, caller said dogs")
    records: list[ToolRecord] = []
    with stub:
        documents = BedrockDocuments("KB12345678", "us-east-1", lambda: client)
        result = await registry(documents, records, 3).call("search", {"question": "dogs"})
    assert (result.outcome, result.value["error"]) == ("error", "search_failed")
    assert str(records[0].cause) == "knowledge: ThrottlingException"


async def test_a_search_that_hangs_ends_at_the_deadline() -> None:
    """The caller does not wait for a thread."""

    class Hanging:
        async def search(self, _question: str, _most: int) -> list[Passage]:
            await asyncio.Event().wait()
            return []

    records: list[ToolRecord] = []
    result = await registry(Hanging(), records).call("search", {"question": "dogs"})
    assert (result.outcome, result.value["error"]) == ("timeout", "search_failed")


async def test_three_failures_stop_the_searches() -> None:
    """The circuit breaker is the same as for other services."""

    class Failing:
        asked = 0

        async def search(self, _question: str, _most: int) -> list[Passage]:
            self.asked += 1
            raise UpstreamError("knowledge", "down")

    failing = Failing()
    tools = registry(failing, [])
    for index in range(6):
        await tools.call("search", {"question": f"dogs {index}"})
    assert failing.asked == 3


def test_the_documents_of_the_shipped_agents_can_be_searched() -> None:
    """Each folder with documents."""
    for place in sorted((ROOT / "agents").glob("*/knowledge")):
        FolderDocuments(place)
