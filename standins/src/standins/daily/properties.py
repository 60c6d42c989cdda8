"""Properties of rooms and tokens, with their types. No I/O.

Source: https://docs.daily.co/reference/rest-api/rooms/create-room and /meeting-tokens/create-meeting-token.
"""

from collections.abc import Mapping
from typing import Any

from standins.daily import errors

PRIVACY = ("public", "private", "org")
_LONGEST_USER_ID = 36

_BOTH: dict[str, type] = {
    "nbf": int,
    "exp": int,
    "eject_after_elapsed": int,
    "enable_prejoin_ui": bool,
    "enable_screenshare": bool,
    "start_video_off": bool,
    "start_audio_off": bool,
    "enable_recording": str,
    "enable_recording_ui": bool,
    "enable_live_captions_ui": bool,
    "permissions": dict,
}
_ROOM = _BOTH | {
    "max_participants": int,
    "eject_at_room_exp": bool,
    "enable_people_ui": bool,
    "enable_pip_ui": bool,
    "enable_emoji_reactions": bool,
    "enable_hand_raising": bool,
    "enable_network_ui": bool,
    "enable_noise_cancellation_ui": bool,
    "enable_breakout_rooms": bool,
    "enable_knocking": bool,
    "enable_video_processing_ui": bool,
    "enable_chat": bool,
    "enable_advanced_chat": bool,
    "enable_hidden_participants": bool,
    "enable_mesh_sfu": bool,
    "enable_adaptive_simulcast": bool,
    "enforce_unique_user_ids": bool,
    "owner_only_broadcast": bool,
    "experimental_optimize_large_calls": bool,
    "lang": str,
    "geo": str,
    "sip": dict,
}
_TOKEN = _BOTH | {
    "room_name": str,
    "is_owner": bool,
    "user_name": str,
    "user_id": str,
    "eject_at_token_exp": bool,
    "start_cloud_recording": bool,
    "close_tab_on_exit": bool,
    "redirect_on_meeting_exit": str,
    "lang": str,
}


def room(given: object) -> dict[str, Any]:
    """Return the validated properties of a room.

    Raises:
        RefusedError: A property is unknown or of the wrong type.
    """
    read = _checked(given, _ROOM)
    if read.get("max_participants", 1) < 1:
        raise errors.invalid("property 'max_participants' should be a positive integer")
    return read


def token(given: object) -> dict[str, Any]:
    """Return the validated properties of a token.

    Raises:
        RefusedError: A property is unknown or of the wrong type.
    """
    read = _checked(given, _TOKEN)
    if len(read.get("user_id", "")) > _LONGEST_USER_ID:
        raise errors.invalid(f"property 'user_id' is longer than {_LONGEST_USER_ID} characters")
    return read


def _checked(given: object, known: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise errors.invalid("'properties' should be an object")
    # Daily rejects unknown properties, so a misspelt one must not pass here.
    for name, value in given.items():
        if name not in known:
            raise errors.invalid(f"unknown property '{name}'")
        # In Python, True is an integer; in Daily's API it is not.
        if not isinstance(value, known[name]) or (known[name] is int and isinstance(value, bool)):
            raise errors.invalid(f"property '{name}' should be of type {known[name].__name__}")
    return dict(given)
