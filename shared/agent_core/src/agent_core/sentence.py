"""Name every sentence of ours that a caller or visitor hears or reads, apart from the model's own words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Sentence(StrEnum):
    """The sentences; the value is the key in ``sentences/<language>.yaml`` and in an agent's ``sentences.yaml``."""

    DISCLOSURE = "disclosure"
    """The first sentence of a conversation: that this is an AI, and on whose behalf it speaks."""

    # Telephone: read by Twilio's voice, when there is no model.
    BUSY = "busy"
    OVER_BUDGET = "over_budget"
    DRAINING = "draining"
    ASSISTANTS_BUSY = "assistants_busy"
    SORRY = "sorry"
    WAIT = "wait"
    TIME_IS_UP = "time_is_up"
    NOT_REACHED = "not_reached"

    # Values that a caller says, spells or types.
    CAPTURE_CHECK = "capture_check"
    CAPTURE_SPELL = "capture_spell"
    CAPTURE_DATE = "capture_date"
    CAPTURE_WORDS = "capture_words"
    CAPTURE_KEYS = "capture_keys"
    CAPTURE_KEYS_DATE = "capture_keys_date"
    CAPTURE_TYPE = "capture_type"
    CAPTURE_FAILED = "capture_failed"

    # What a person hears before a caller is connected.
    WHISPER = "whisper"
    WHISPER_BARE = "whisper_bare"
    WHISPER_UNNAMED = "whisper_unnamed"
    WHISPER_UNKNOWN = "whisper_unknown"
    PRESS_TO_TAKE = "press_to_take"

    # A call that a visitor of the page asked for.
    CALLED = "called"
    CALLED_UNNAMED = "called_unnamed"
    PRESS_TO_TALK = "press_to_talk"

    # The summary that a person reads or hears.
    SUMMARY_REASON = "summary_reason"
    SUMMARY_SAID = "summary_said"
    SUMMARY_AND = "summary_and"
    SUMMARY_ANSWERED = "summary_answered"
    SUMMARY_NOTHING = "summary_nothing"
    SUMMARY_KEY = "summary_key"

    # Recordings, see `agent_core.announcements`.
    ANNOUNCEMENT_HOLD = "announcement_hold"
    ANNOUNCEMENT_HOLD_ON = "announcement_hold_on"
    ANNOUNCEMENT_LOOK_UP = "announcement_look_up"
    ANNOUNCEMENT_SORRY = "announcement_sorry"

    # Errors.
    ERROR = "error"
    UNREACHABLE = "unreachable"

    # Why a visit has ended.
    ENDED_AGENT = "ended_agent"
    ENDED_BUSY = "ended_busy"
    ENDED_IDLE = "ended_idle"
    ENDED_TIME = "ended_time"
    ENDED_DRAINED = "ended_drained"
    ENDED_MODEL = "ended_model"
    ENDED_REJECTED = "ended_rejected"
    ENDED_ERROR = "ended_error"

    # Why a request of the page was refused.
    PAGE_BUSY_SECONDS = "page_busy_seconds"
    PAGE_BUSY_QUEUE = "page_busy_queue"
    PAGE_OVER_BUDGET = "page_over_budget"
    PAGE_UNREACHABLE = "page_unreachable"
    PAGE_RELOAD = "page_reload"
    PAGE_OFFER = "page_offer"
    PAGE_AGREE = "page_agree"
    PAGE_UNKNOWN_SESSION = "page_unknown_session"
    PAGE_SESSION_TAKEN = "page_session_taken"
    PAGE_SESSION_OVER = "page_session_over"
    PAGE_RATED = "page_rated"
    PAGE_NETWORK_BUSY = "page_network_busy"
    PAGE_TOO_MANY = "page_too_many"

    # Calls that a visitor asks for.
    CALL_NOT_PLACED = "call_not_placed"
    CALL_LATER = "call_later"
    CALL_AGAIN_SOON = "call_again_soon"
    CALL_TOMORROW_NUMBER = "call_tomorrow_number"
    CALL_TOMORROW = "call_tomorrow"
    NUMBER_FORM = "number_form"
    NUMBER_PREFIX = "number_prefix"
    NUMBER_OR = "number_or"
    NUMBER_KIND = "number_kind"
    NUMBER_REFUSED = "number_refused"
    NUMBER_CHECK = "number_check"

    # The page that a browser shows for an error.
    TITLE_NO_PAGE = "title_no_page"
    TITLE_OVER = "title_over"
    TITLE_WAIT = "title_wait"
    TITLE_UNAVAILABLE = "title_unavailable"
    TITLE_ERROR = "title_error"
    START_PAGE = "start_page"

    # The page without the service, or without its scripts.
    OFFLINE_TITLE = "offline_title"
    OFFLINE_TEXT = "offline_text"
    OFFLINE_RETRY = "offline_retry"
    OFFLINE_PHONE = "offline_phone"
    PAGE_NO_SCRIPT = "page_no_script"
    PAGE_INCOMPLETE = "page_incomplete"

    # Typed messages that were refused.
    MESSAGE_TOO_FAST = "message_too_fast"
    MESSAGE_LENGTH = "message_length"
    MESSAGE_UNANSWERED = "message_unanswered"
    MESSAGE_TOO_MUCH = "message_too_much"

    # The notice before a conversation: one sentence for each case, because languages order their words differently.
    TITLE_NOTICE_AI = "title_notice_ai"
    TITLE_NOTICE_OPERATOR = "title_notice_operator"
    TITLE_NOTICE_VOICE = "title_notice_voice"
    TITLE_NOTICE_WAY = "title_notice_way"
    TITLE_NOTICE_KEPT = "title_notice_kept"
    TITLE_NOTICE_CALLED = "title_notice_called"
    LINK_PRIVACY = "link_privacy"
    LINK_TERMS = "link_terms"
    LINK_CONTACT = "link_contact"
    PLACE_VIRGINIA = "place_virginia"
    PLACE_OREGON = "place_oregon"
    PLACE_STOCKHOLM = "place_stockholm"
    PLACE_TOKYO = "place_tokyo"
    LIST_AND = "list_and"
    NOTICE_AI = "notice_ai"
    NOTICE_UNNAMED = "notice_unnamed"
    NOTICE_SUMMARY_HERE = "notice_summary_here"
    NOTICE_SUMMARY_HERE_LOGGED = "notice_summary_here_logged"
    NOTICE_SUMMARY_SERVER = "notice_summary_server"
    NOTICE_SUMMARY_SERVER_LOGGED = "notice_summary_server_logged"
    NOTICE_SUMMARY_HOST = "notice_summary_host"
    NOTICE_SUMMARY_HOST_LOGGED = "notice_summary_host_logged"
    NOTICE_SUMMARY_AMAZON = "notice_summary_amazon"
    NOTICE_SUMMARY_AMAZON_LOGGED = "notice_summary_amazon_logged"
    NOTICE_VOICE_HERE = "notice_voice_here"
    NOTICE_VOICE_SERVER = "notice_voice_server"
    NOTICE_VOICE_HOST = "notice_voice_host"
    NOTICE_VOICE_AMAZON = "notice_voice_amazon"
    NOTICE_WAY_DAILY_HERE = "notice_way_daily_here"
    NOTICE_WAY_DAILY = "notice_way_daily"
    NOTICE_WAY_DIRECT = "notice_way_direct"
    NOTICE_WAY_RELAYS = "notice_way_relays"
    NOTICE_UNRECORDED = "notice_unrecorded"
    NOTICE_LOGGED = "notice_logged"
    NOTICE_FIGURES = "notice_figures"
    NOTICE_FIGURES_DAY = "notice_figures_day"
    NOTICE_FIGURES_DAYS = "notice_figures_days"
    NOTICE_COMMENT_DAY = "notice_comment_day"
    NOTICE_COMMENT_DAYS = "notice_comment_days"
    NOTICE_CALLED = "notice_called"


PLACEHOLDERS: Final[Mapping[Sentence, frozenset[str]]] = {
    Sentence.DISCLOSURE: frozenset({"name"}),
    Sentence.CAPTURE_CHECK: frozenset({"value"}),
    Sentence.WHISPER: frozenset({"destination", "reason"}),
    Sentence.WHISPER_BARE: frozenset({"destination"}),
    Sentence.WHISPER_UNNAMED: frozenset({"reason"}),
    Sentence.PRESS_TO_TAKE: frozenset({"key"}),
    Sentence.CALLED: frozenset({"name", "key"}),
    Sentence.CALLED_UNNAMED: frozenset({"key"}),
    Sentence.PRESS_TO_TALK: frozenset({"key"}),
    Sentence.SUMMARY_REASON: frozenset({"reason"}),
    Sentence.SUMMARY_SAID: frozenset({"words"}),
    Sentence.SUMMARY_ANSWERED: frozenset({"words"}),
    Sentence.PAGE_BUSY_SECONDS: frozenset({"seconds"}),
    Sentence.PAGE_BUSY_QUEUE: frozenset({"position"}),
    Sentence.NUMBER_FORM: frozenset({"example"}),
    Sentence.NUMBER_PREFIX: frozenset({"prefixes"}),
    Sentence.OFFLINE_PHONE: frozenset({"number"}),
    Sentence.MESSAGE_LENGTH: frozenset({"most"}),
    Sentence.NOTICE_SUMMARY_SERVER: frozenset({"host"}),
    Sentence.NOTICE_SUMMARY_SERVER_LOGGED: frozenset({"host"}),
    Sentence.NOTICE_SUMMARY_HOST: frozenset({"host"}),
    Sentence.NOTICE_SUMMARY_HOST_LOGGED: frozenset({"host"}),
    Sentence.NOTICE_SUMMARY_AMAZON: frozenset({"places"}),
    Sentence.NOTICE_SUMMARY_AMAZON_LOGGED: frozenset({"places"}),
    Sentence.NOTICE_VOICE_SERVER: frozenset({"host"}),
    Sentence.NOTICE_VOICE_HOST: frozenset({"host"}),
    Sentence.NOTICE_VOICE_AMAZON: frozenset({"regions"}),
    Sentence.NOTICE_WAY_RELAYS: frozenset({"relays"}),
    Sentence.NOTICE_FIGURES_DAYS: frozenset({"days"}),
    Sentence.NOTICE_COMMENT_DAYS: frozenset({"days"}),
}
"""The names that a sentence may use, written ``$name``; each of them says what would be missing without it, so all are
required."""

RECORDED: Final = frozenset(
    {
        Sentence.ANNOUNCEMENT_HOLD,
        Sentence.ANNOUNCEMENT_HOLD_ON,
        Sentence.ANNOUNCEMENT_LOOK_UP,
        Sentence.ANNOUNCEMENT_SORRY,
    }
)
"""The words of recordings: another text needs another recording."""
