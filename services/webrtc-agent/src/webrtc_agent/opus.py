"""Encode and decode Opus at the model's own rates, with the library that PyAV includes.

PyAV decodes at 48 kHz only, and its frames cost more than the decoding. Neither call releases Python's lock: each takes
less time than another thread needs to acquire and release it.
"""

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path
from typing import Any

import av

from agent_core.errors import ConfigurationError

_APPLICATION_AUDIO = 2049
"""Chooses the cheap mode (CELT) unless redundancy is asked for; the application for telephony never does."""
_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS = 4014
_BITRATE = 48_000
"""Bits per second without redundancy. Speech differs less from its original than in the other mode at the 32 kbit/s of
browsers (2.7 against 2.9 dB over mel bands), for a quarter of the time."""
_BITRATE_REDUNDANT = 40_000
"""Bits per second with it: as close to the original as before (2.9 dB)."""
_COMPLEXITY = 5
"""Out of 10. The default, 9, takes a third more time, and its speech sounds the same at this bitrate."""
_EXPECTED_LOSS = 10
"""Percent: how much redundancy is sent for the previous packet, where it is sent; every browser uses it."""
_MAX_PACKET = 1275
"""Bytes of one frame (RFC 6716, section 3.2.1)."""
_MAX_SECONDS = 0.12
"""Longest packet (RFC 6716, section 3.2.5)."""


class OpusUnavailable(ConfigurationError):
    """The Opus library is missing."""


class OpusError(ValueError):
    """A packet is not Opus, or audio does not fill a frame."""


@cache
def _library() -> ctypes.PyDLL:
    package = Path(av.__file__).parent
    # A wheel of PyAV brings the library: beside the package on Linux, inside it on macOS.
    bundled = [*package.parent.glob("av.libs/libopus[-.]*"), *package.glob(".dylibs/libopus.*")]
    name = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    if name is None:
        raise OpusUnavailable("No Opus library. Install libopus (Debian: libopus0), or PyAV from a wheel.")
    opus = ctypes.PyDLL(name)
    # Without declared types, ctypes would truncate pointers to 32 bits.
    pointer, integer, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32
    opus.opus_decoder_create.restype = pointer
    opus.opus_decoder_create.argtypes = [size, integer, pointer]
    opus.opus_decode.argtypes = [pointer, ctypes.c_char_p, size, pointer, integer, integer]
    opus.opus_decoder_destroy.argtypes = [pointer]
    opus.opus_encoder_create.restype = pointer
    opus.opus_encoder_create.argtypes = [size, integer, integer, pointer]
    opus.opus_encode.argtypes = [pointer, ctypes.c_char_p, integer, pointer, size]
    # The value is a variadic argument, which some systems pass differently from a declared one.
    opus.opus_encoder_ctl.argtypes = [pointer, integer]
    opus.opus_encoder_destroy.argtypes = [pointer]
    return opus


def check() -> None:
    """Load the library.

    Raises:
        OpusUnavailable: there is none.
    """
    _library()


class _Codec:
    """Owns the state of one decoder or encoder and frees it."""

    def __init__(self, state: int | None, destroy: Any) -> None:  # noqa: ANN401 - a function of the library
        if not state:
            raise OpusError("Opus refused to start")
        self._state = state
        self._destroy = destroy

    def __del__(self) -> None:
        if state := getattr(self, "_state", None):
            self._destroy(state)


class OpusToPcm(_Codec):
    """Decodes one stream to 16-bit mono PCM.

    Args:
        rate: Hz: 8000, 12000, 16000, 24000 or 48000.
    """

    def __init__(self, rate: int) -> None:
        self._opus = _library()
        super().__init__(self._opus.opus_decoder_create(rate, 1, None), self._opus.opus_decoder_destroy)
        self._rate = rate
        self._room = round(rate * _MAX_SECONDS)
        self._pcm = (ctypes.c_int16 * self._room)()
        self._bytes = memoryview(self._pcm).cast("B")

    def decode(self, payload: bytes) -> bytes:
        """Decode one packet.

        Raises:
            OpusError: it is not Opus.
        """
        return self._taken(self._opus.opus_decode(self._state, payload, len(payload), self._pcm, self._room, 0))

    def conceal(self, milliseconds: int) -> bytes:
        """Conceal missing packets: a multiple of 10 ms, at most 120."""
        samples = self._rate * milliseconds // 1000
        return self._taken(self._opus.opus_decode(self._state, None, 0, self._pcm, samples, 0))

    def _taken(self, samples: int) -> bytes:
        if samples < 0:
            raise OpusError(f"Opus error {samples}")
        return bytes(self._bytes[: 2 * samples])


class Encoder(_Codec):
    """Encodes 16-bit mono PCM to packets of one frame, with redundancy until it is turned off.

    Args:
        rate: Hz: 8000, 12000, 16000, 24000 or 48000.
    """

    def __init__(self, rate: int) -> None:
        self._opus = _library()
        state = self._opus.opus_encoder_create(rate, 1, _APPLICATION_AUDIO, None)
        super().__init__(state, self._opus.opus_encoder_destroy)
        self._packet = ctypes.create_string_buffer(_MAX_PACKET)
        self._set(_SET_COMPLEXITY, _COMPLEXITY)
        self.protect(redundant=True)

    def protect(self, *, redundant: bool) -> None:
        """Choose whether each packet also describes the one before it, for receivers that have lost that one."""
        self._set(_SET_BITRATE, _BITRATE_REDUNDANT if redundant else _BITRATE)
        self._set(_SET_INBAND_FEC, int(redundant))
        self._set(_SET_PACKET_LOSS, _EXPECTED_LOSS if redundant else 0)

    def _set(self, request: int, value: int) -> None:
        self._opus.opus_encoder_ctl(self._state, request, ctypes.c_int32(value))

    def encode(self, pcm: bytes) -> bytes:
        """Encode one frame of 10, 20, 40 or 60 ms.

        Raises:
            OpusError: the audio has another length.
        """
        size = self._opus.opus_encode(self._state, pcm, len(pcm) // 2, self._packet, _MAX_PACKET)
        if size < 0:
            raise OpusError(f"Opus error {size}")
        return self._packet.raw[:size]
