"""All entry points, by name."""

from collections.abc import Callable

from tests.fuzzing.target import Target
from tests.fuzzing.targets.bodies import Bodies
from tests.fuzzing.targets.event_stream import SdkStream, StandinStream
from tests.fuzzing.targets.http2_frames import Http2Stream
from tests.fuzzing.targets.media_streams import MediaStreams
from tests.fuzzing.targets.model_events import ModelEvents
from tests.fuzzing.targets.offers import Connections, Offers
from tests.fuzzing.targets.visitor_messages import VisitorMessages
from tests.fuzzing.targets.webhook import Webhook

_ALL = (
    MediaStreams,
    Webhook,
    ModelEvents,
    SdkStream,
    Http2Stream,
    StandinStream,
    Offers,
    Bodies,
    VisitorMessages,
    Connections,
)
TARGETS: dict[str, Callable[[], Target]] = {target.name: target for target in _ALL}
