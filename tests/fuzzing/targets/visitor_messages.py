"""Messages that a visitor's page sends over the data channel: any JSON, checked one by one."""

import json

import orjson

from tests.fuzzing.mutation import Mutator
from tests.fuzzing.target import Target
from webrtc_agent.messages import MAX_TEXT, MessageGuard, Pass, Press


def _message(kind: str, **fields: object) -> bytes:
    return json.dumps({"label": "rtvi-ai", "type": kind, "id": "1", "data": fields}).encode()


class VisitorMessages(Target):
    """One case is one message."""

    name = "visitor-messages"
    folders = ("/webrtc_agent/",)
    seeds = (
        _message("client-ready", version="1.2.0", about={"library": "x"}),
        _message("send-text", content="Hello", options={"run_immediately": True}),
        _message("dtmf", buttons=["1", "#"]),
        _message("dtmf", button="0"),
        _message("disconnect-bot"),
        _message("raw-audio", base64Audio="AAAA"),
    )

    def vary(self, case: bytes, mutator: Mutator) -> bytes:
        """Change its meaning, or its bytes."""
        return mutator.damage(case) if mutator.one_in(4) else mutator.json(case)

    def run(self, case: bytes) -> None:
        """Check it; the data channel discards texts that are not JSON."""
        try:
            message = orjson.loads(case)
        except orjson.JSONDecodeError:
            return
        verdict = MessageGuard(lambda: 0.0).judge(message)
        if isinstance(verdict, Press):
            assert set(verdict.digits) <= set("0123456789*#")
            assert len(verdict.digits) <= 20
        if verdict == Pass("send-text"):
            assert 0 < len(message["data"]["content"]) <= MAX_TEXT
