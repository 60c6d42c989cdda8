"""The stand-in against botocore's model of the service: URLs, shapes, errors and signatures."""

import io
import json
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from standins.nova import payload, sigv4, stream_request
from standins.nova.clock import Clock
from standins.nova.errors import INVALID_INPUT, STATUS, StreamRefused
from standins.nova.models import MODELS
from standins.nova.pace import QUICK
from standins.nova.server_state import ServerState
from standins.nova.service_limits import ServiceLimits
from standins.nova.tones import tone_backend

SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")
OPERATION: Any = SERVICE.operation_model("InvokeModelWithBidirectionalStream")
EVENTS = OPERATION.output_shape.members["body"]
EXCEPTIONS = [name for name, shape in EVENTS.members.items() if shape.metadata.get("exception")]


def house() -> ServerState:
    """Return a stand-in that checks signatures."""
    return ServerState(tone_backend(), {"standin": "standin-secret"}, ServiceLimits(), QUICK, Clock())


def read(wire: bytes) -> list[dict[str, Any]]:
    """Read the body of a response with botocore."""

    class Raw(io.BytesIO):
        def stream(self) -> "Raw":
            return self

    shaping: Any = vars(create_parser(SERVICE.protocol))["_event_stream_parser"]
    stream: Any = EventStream(Raw(wire), EVENTS, shaping, OPERATION.name)
    return list(stream)


@pytest.mark.parametrize("model_id", sorted(MODELS))
def test_the_address_and_the_signature_of_a_request_are_botocores(model_id: str) -> None:
    """The stand-in accepts a request that botocore serialises from AWS's model and signs for the service."""
    request = create_serializer(SERVICE.protocol, include_validation=False).serialize_to_request(
        {"modelId": model_id}, OPERATION
    )
    assert request["method"] == "POST"
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com{request['url_path']}"
    signed = AWSRequest("POST", url, headers={"x-amz-content-sha256": sigv4.STREAMING})
    SigV4Auth(Credentials("standin", "standin-secret"), SERVICE.signing_name, "us-east-1").add_auth(signed)
    headers = [(name.lower(), str(value)) for name, value in signed.headers.items()]
    pseudo = [(":method", "POST"), (":path", request["url_path"]), (":authority", url.split("/")[2])]
    opened = stream_request.admit(stream_request.request_of([*pseudo, *headers]), house())
    assert (opened.model_id, opened.access_key_id) == (model_id, "standin")
    assert opened.chain is not None


def test_an_event_has_the_shape_of_the_model() -> None:
    """An event is a chunk whose bytes are the event's JSON, as in the model."""
    text = json.dumps({"event": {"completionStart": {}}}).encode()
    assert read(payload.wrap(text)) == [{"chunk": {"bytes": text}}]


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_an_exception_of_the_stream_is_raised_by_botocore(kind: str) -> None:
    """An exception of the stream reaches the client of botocore with its class and its message."""
    with pytest.raises(EventStreamError) as error:
        read(payload.exception(kind, INVALID_INPUT))
    assert error.value.response["Error"] == {"Code": kind, "Message": INVALID_INPUT}


def test_every_error_of_the_operation_has_its_status() -> None:
    """Every error of the operation has its status, before the stream and in it."""
    shapes = [*OPERATION.error_shapes, *(EVENTS.members[kind] for kind in EXCEPTIONS)]
    assert len(shapes) > 15
    assert {shape.name: STATUS.get(shape.name) for shape in shapes} == {
        shape.name: shape.metadata["error"]["httpStatusCode"] for shape in shapes
    }


@pytest.mark.parametrize("kind", sorted({shape.name for shape in OPERATION.error_shapes}))
def test_a_refusal_is_read_by_botocore(kind: str) -> None:
    """A rejection has its class, message and status in the headers and body where botocore reads them."""
    status, headers, body = stream_request.refusal(StreamRefused(kind, "No."), "request-1")
    answer = {"status_code": status, "headers": dict(headers), "body": body}
    parsed = create_parser(SERVICE.protocol).parse(answer, OPERATION.output_shape)
    assert (parsed["Error"]["Code"], parsed["Error"]["Message"]) == (kind, "No.")
    assert parsed["ResponseMetadata"]["RequestId"] == "request-1"
