"""The faults by number: what fails around the product, and the tests that show what a caller notices of it."""

from typing import Final

from tests.support.catalogue import Catalogue, Entry

_WEATHER = "contract/test_open_meteo_faults.py::test_"
_HANG_UP = "integration/test_phone_hang_up.py::test_"
_REFUSALS = "integration/test_phone_refusals.py::test_"
_MALFORMED = "integration/test_phone_malformed.py::test_"
_GUARD = "unit/phone_agent/test_phone_stream_guard.py::test_"
_TRANSFER = "integration/test_transfer.py::test_"
_LOST = "integration/test_phone_lost_calls.py::test_"
_LEAVING = "integration/test_phone_leaving.py::test_"
_END = "integration/test_phone_end_call.py::test_"
_ROOMS = "contract/test_daily_rooms.py::test_"
_WEB = "integration/webrtc/test_webrtc_leaving.py::test_"
_DOORS = "integration/webrtc/test_webrtc_doors.py::test_"
_OBSTACLES = "e2e/browser/test_browser_obstacles.py::test_"
_BROWSER = "e2e/browser/test_browser_leaving.py::test_"
_TICKETS = "unit/phone_agent/test_phone_ticket.py::test_"

FAULTS: Final = (
    Entry(1, "the model ends in the middle of an answer"),
    Entry(2, "the model is throttled at the start"),
    Entry(3, "the model rejects the service at the start", (f"{_TRANSFER}a_key_while_the_agent_is_sorry",)),
    Entry(4, "the model is unstable for a moment"),
    Entry(5, "the model fails in an open call, whatever it says"),
    Entry(6, "the model ends every stream at eight minutes"),
    Entry(7, "both are silent across the limit"),
    Entry(8, "a stream is renewed during speech"),
    Entry(9, "the next stream does not open, or refuses the conversation"),
    Entry(10, "a history that is too long"),
    Entry(11, "the model never answers"),
    Entry(12, "the model's process is stopped"),
    Entry(13, "unknown events of the model"),
    Entry(14, "a flood of audio, and a barge-in"),
    Entry(
        15,
        "a muted caller, or one on hold",
        ("integration/test_phone_silent_peer.py::test_a_muted_caller_is_kept",),
    ),
    Entry(16, "AWS credentials expire during a call"),
    Entry(17, "no AWS credentials can be fetched"),
    Entry(
        18,
        "a weather service that hangs",
        (f"{_WEATHER}a_silent_server_is_given_up", f"{_WEATHER}a_caller_who_interrupts_frees_the_connection"),
    ),
    Entry(
        19,
        "a weather service with invalid answers",
        (
            f"{_WEATHER}a_passing_failure_is_tried_once_more",
            f"{_WEATHER}a_lasting_failure_is_told_in_one_word",
            f"{_WEATHER}an_empty_object_is_no_place_or_no_weather",
            f"{_WEATHER}injected_text_reaches_nobody",
        ),
    ),
    Entry(
        20, "a weather service that is unreachable", ("contract/test_open_meteo.py::test_a_server_that_is_not_there",)
    ),
    Entry(21, "a tool that is called with wrong arguments"),
    Entry(22, "a tool whose result is no longer wanted"),
    Entry(
        23,
        "a telephone connection that breaks",
        (
            f"{_HANG_UP}the_connection_breaks",
            "integration/test_phone_silent_peer.py::test_a_dead_peer_is_noticed_in_ten_seconds",
        ),
    ),
    Entry(
        24,
        "messages out of order, and of other streams",
        (
            f"{_REFUSALS}a_stream_that_begins_wrong_is_refused",
            f"{_REFUSALS}a_good_ticket_opens_nothing_for_others",
            f"{_MALFORMED}sound_of_another_stream_does_not_reach_the_model",
            f"{_MALFORMED}sound_of_another_call_does_not_cross",
            f"{_GUARD}second_start_is_dropped",
        ),
    ),
    Entry(
        25,
        "messages that are malformed",
        (
            f"{_MALFORMED}every_kind_of_malformed_message_is_dropped_and_counted",
            f"{_MALFORMED}a_stream_of_nothing_but_nonsense_is_closed",
            f"{_MALFORMED}a_binary_message_is_a_malformed_one",
        ),
    ),
    Entry(
        26,
        "messages, bodies and headers without bounds",
        (
            f"{_MALFORMED}a_message_beyond_all_bounds_ends_the_stream",
            f"{_REFUSALS}a_handshake_with_a_huge_header_is_refused",
            f"{_REFUSALS}a_forged_webhook_is_refused",
        ),
    ),
    Entry(
        27,
        "bursts, and audio that is doubled, late or lost",
        (f"{_GUARD}repeated_and_late_sound_is_dropped_and_gaps_are_counted",),
    ),
    Entry(
        28,
        "many keys in a short time",
        (
            f"{_TRANSFER}a_storm_of_keys_in_the_middle_of_a_sentence",
            f"{_TRANSFER}a_postcode_with_a_zero_in_it",
            "unit/agent_core/test_keypad.py::test_each_key_is_in_exactly_one_input",
        ),
    ),
    Entry(
        29,
        "a hundred calls in a second",
        ("integration/test_phone_threats.py::test_threat_20_a_crowd_of_calls_is_served_or_told",),
    ),
    Entry(
        30,
        "webhooks that come more than once",
        (
            f"{_REFUSALS}a_replayed_webhook_opens_one_model_stream",
            f"{_TICKETS}repeated_webhook_gets_the_same_ticket",
            "integration/test_phone_resumption.py::test_a_question_that_is_asked_again_opens_no_second_model_stream",
        ),
    ),
    Entry(31, "status callbacks in any order"),
    Entry(
        32,
        "a task that is stopped or killed",
        (
            f"{_LEAVING}a_call_that_another_task_takes_never_hears_of_the_first",
            f"{_LOST}a_process_that_is_killed_in_the_middle_of_an_answer",
            f"{_LOST}nobody_left_to_ask_is_the_fallback_of_the_number",
            "integration/test_phone_resumption.py::test_a_task_that_has_to_leave_hands_its_calls_over",
            "e2e/test_call_outlives_its_task.py::test_the_same_caller_goes_on_talking_to_another_task",
        ),
    ),
    Entry(33, "a task's own request does not return through the load balancer"),
    Entry(
        34,
        "Twilio's REST service fails",
        (
            f"{_TRANSFER}twilio_does_not_do_it",
            f"{_END}one_refusal_of_the_rest_service_is_not_noticed",
            f"{_END}without_the_rest_service_the_call_is_closed_all_the_same",
            f"{_LOST}a_goodbye_that_twilio_was_not_told_of_is_not_taken_for_a_loss",
        ),
    ),
    Entry(
        35,
        "a person who is busy or does not answer, or a voicemail that does",
        (
            f"{_TRANSFER}nobody_is_free",
            "integration/test_transfer_accept.py::test_without_a_key_the_caller_is_back_with_the_agent",
            f"{_TRANSFER}who_comes_back_is_remembered",
            f"{_TRANSFER}the_caller_hangs_up_while_it_rings",
            "unit/phone_agent/test_phone_twiml.py::test_who_was_connected_has_talked",
        ),
    ),
    Entry(
        36,
        "Daily's REST service fails, or the servers that carry its calls",
        (
            f"{_ROOMS}one_failure_is_got_over",
            f"{_ROOMS}a_lasting_failure_is_told_in_time_and_leaves_no_room",
            f"{_ROOMS}the_visitor_is_told_within_eight_seconds",
            f"{_ROOMS}what_daily_asks_to_wait_is_waited",
            f"{_ROOMS}a_wrong_key_is_not_tried_again",
            f"{_ROOMS}a_long_wait_is_passed_on",
            f"{_ROOMS}a_visitor_who_gives_up_leaves_no_room",
            "unit/webrtc_agent/test_webrtc_routes.py::test_daily_that_fails_is_told",
        ),
    ),
    Entry(
        37,
        "a browser that vanishes",
        (
            f"{_WEB}a_closed_tab_is_noticed_within_12_seconds",
            f"{_WEB}five_seconds_without_network_are_survived",
            f"{_WEB}who_comes_back_too_late_starts_anew",
            f"{_WEB}a_client_can_reconnect_in_its_session",
            f"{_BROWSER}a_network_that_is_back_after_five_seconds_changes_nothing",
            f"{_BROWSER}who_vanishes_is_missed_within_twelve_seconds",
        ),
    ),
    Entry(
        38,
        "a browser that cannot connect",
        (
            f"{_WEB}an_offer_alone_opens_no_model",
            f"{_DOORS}garbage_leaves_nothing",
            f"{_DOORS}a_second_tab_gets_its_own_session",
            f"{_OBSTACLES}a_blocked_microphone_is_explained_and_typing_goes_on",
            "unit/webrtc_agent/test_webrtc_watch.py::test_who_never_connects_is_given_up",
        ),
    ),
    Entry(
        39,
        "faults of clocks, disks, DNS and the event loop",
        (
            f"{_TICKETS}clock_of_the_other_task_may_differ_a_little",
            f"{_TICKETS}clock_set_back_does_not_keep_a_dead_ticket",
            "infra/test_task.py::test_a_log_that_takes_no_more_lines_holds_up_no_conversation",
        ),
    ),
    Entry(40, "many calls for hours, with random faults"),
)

CATALOGUE: Final = Catalogue("fault", FAULTS)
