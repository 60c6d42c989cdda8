"""The threats by number: possible attacks on the product, and the tests that show that they fail."""

from typing import Final

from tests.support.catalogue import Catalogue
from tests.support.catalogue import Entry as Threat

_REFUSALS = "integration/test_phone_refusals.py::test_"
_TICKETS = "unit/phone_agent/test_phone_ticket.py::test_"
_SIGNATURES = "unit/phone_agent/test_phone_signature.py::test_"
_MALFORMED = "integration/test_phone_malformed.py::test_"
_WEATHER = "contract/test_open_meteo_faults.py::test_"
_DOORS = "integration/webrtc/test_webrtc_doors.py::test_"
_ROUTES = "unit/webrtc_agent/test_webrtc_routes.py::test_"
_END = "integration/test_phone_end_call.py::test_"
_LOST = "integration/test_phone_lost_calls.py::test_"
_TRANSFER = "integration/test_transfer.py::test_"
_LOCKS = "repository/test_repository_locks.py::test_"
_IMAGES = "repository/test_images.py::test_"
_CALL_ME = "unit/webrtc_agent/test_webrtc_call_me.py::test_"
_ROLES = "infra/test_permissions.py::test_"

THREATS: Final = (
    Threat(
        1,
        "forged webhooks",
        (
            f"{_REFUSALS}a_forged_webhook_is_refused",
            f"{_SIGNATURES}published_vector_is_accepted",
            f"{_SIGNATURES}signature_of_something_else_is_refused",
            f"{_SIGNATURES}signature_that_is_none_is_refused",
            f"{_SIGNATURES}any_form_is_signed_as_the_peer_signs_it",
        ),
    ),
    Threat(
        2,
        "a stranger opens a media stream",
        (
            f"{_REFUSALS}a_forged_handshake_is_refused",
            f"{_REFUSALS}a_stream_without_a_good_ticket_is_refused",
            f"{_REFUSALS}a_stream_that_begins_wrong_is_refused",
            f"{_REFUSALS}a_socket_must_start_within_five_seconds",
            f"{_REFUSALS}a_crowd_without_tickets_is_kept_small",
        ),
    ),
    Threat(
        3,
        "a replayed webhook",
        (
            f"{_REFUSALS}a_replayed_webhook_opens_one_model_stream",
            f"{_LOST}a_captured_question_for_a_lost_call_costs_one_model_stream_at_most",
            f"{_TICKETS}repeated_webhook_gets_the_same_ticket",
        ),
    ),
    Threat(
        4,
        "a stolen ticket",
        (
            f"{_REFUSALS}a_ticket_is_used_once",
            f"{_REFUSALS}a_good_ticket_opens_nothing_for_others",
            f"{_LOST}a_ticket_that_one_task_has_taken_is_refused_by_the_other",
            f"{_TICKETS}ticket_is_for_one_call",
            f"{_TICKETS}ticket_lives_a_minute",
        ),
    ),
    Threat(
        5,
        "toll fraud by transfer",
        (
            f"{_TRANSFER}whatever_is_not_configured_is_refused",
            f"{_TRANSFER}a_storm_of_keys_in_the_middle_of_a_sentence",
            "unit/agent_core/test_destinations.py::test_premium_rate_numbers_are_refused_in_either_form",
            "unit/agent_core/test_destinations.py::test_a_service_does_not_start_with_a_premium_number",
        ),
    ),
    Threat(6, "instructions in speech", (f"{_TRANSFER}whatever_is_not_configured_is_refused",)),
    Threat(7, "instructions in weather data", (f"{_WEATHER}injected_text_reaches_nobody",)),
    Threat(
        8,
        "addresses in a place's name",
        (
            f"{_WEATHER}what_is_no_place_is_not_asked_for",
            f"{_WEATHER}a_redirect_is_not_followed",
            "unit/agent_core/test_weather_places.py::test_what_is_no_place_name_is_refused",
        ),
    ),
    Threat(
        9,
        "oversized and malformed frames",
        (
            f"{_MALFORMED}every_kind_of_malformed_message_is_dropped_and_counted",
            f"{_MALFORMED}a_message_beyond_all_bounds_ends_the_stream",
            f"{_MALFORMED}a_stream_of_nothing_but_nonsense_is_closed",
            "unit/phone_agent/test_phone_media_stream.py::test_nesting_as_deep_as_the_text_allows_is_malformed",
        ),
    ),
    Threat(
        10,
        "half-open and idle sockets",
        (
            "integration/test_half_requests.py::test_half_a_request_is_given_up",
            "integration/test_half_requests.py::test_a_dribble_does_not_buy_time",
            f"{_REFUSALS}a_handshake_with_a_huge_header_is_refused",
        ),
    ),
    Threat(
        11,
        "sessions and rooms without end",
        (
            f"{_DOORS}a_hundred_starts_meet_the_limit",
            "integration/test_daily_visit.py::test_a_hundred_at_once_make_two_rooms_and_leave_none",
            "contract/test_daily_rooms.py::test_a_room_is_private_and_closes_itself",
            f"{_ROUTES}rooms_made_are_rooms_deleted",
            f"{_END}a_call_of_the_longest_length_is_ended",
        ),
    ),
    Threat(
        12,
        "pages of other sites",
        (f"{_ROUTES}pages_of_other_sites_are_refused", f"{_ROUTES}only_allowed_origins_are_told_that_they_may"),
    ),
    Threat(13, "forged hosts and addresses"),
    Threat(
        14,
        "secrets in logs and answers",
        (
            "integration/test_phone_lifecycle.py::test_the_log_keeps_secrets_numbers_and_words_to_itself",
            "unit/agent_core/test_core_settings.py::test_secrets_are_not_shown",
            "unit/agent_core/test_core_settings.py::test_a_token_in_place_of_the_account_is_not_repeated",
            f"{_ROUTES}a_defect_is_not_shown",
        ),
    ),
    Threat(
        15,
        "people's words and numbers in logs",
        (
            "integration/test_phone_lifecycle.py::test_the_log_keeps_secrets_numbers_and_words_to_itself",
            "infra/test_task.py::test_a_log_that_takes_no_more_lines_holds_up_no_conversation",
        ),
    ),
    Threat(
        16,
        "verbs smuggled into TwiML",
        (
            "unit/phone_agent/test_phone_twiml.py::test_hostile_values_stay_values",
            "unit/phone_agent/test_phone_twiml.py::test_any_text_makes_a_document",
        ),
    ),
    Threat(
        17,
        "dependencies that are not ours",
        (
            f"{_LOCKS}every_pin_has_a_hash",
            f"{_LOCKS}production_ships_neither_test_tools_nor_stand_ins",
            f"{_LOCKS}the_tests_run_on_what_is_locked",
            "repository/test_repository_imports.py::test_every_declared_package_is_imported",
        ),
    ),
    Threat(
        18,
        "a container with too much in it",
        (
            f"{_IMAGES}an_image_is_built_from_named_versions_and_runs_as_nobody",
            f"{_IMAGES}no_secret_is_written_down",
            f"{_IMAGES}nothing_gets_into_an_image_that_was_not_let_in",
            f"{_IMAGES}a_container_is_hardened_as_the_task_definition_is",
            "infra/test_task.py::test_a_container_is_nobody_and_can_write_nowhere_but_in_tmp",
            "infra/test_task.py::test_no_key_of_aws_is_given_to_a_task",
        ),
    ),
    Threat(
        19,
        "roles that may too much",
        (
            f"{_ROLES}no_star_where_there_is_anything_narrower",
            f"{_ROLES}one_model_may_be_called",
            f"{_ROLES}no_task_may_keep_ecs_from_stopping_it",
            f"{_ROLES}a_service_can_read_its_own_secret_and_not_the_others",
            f"{_ROLES}no_role_takes_a_policy_that_aws_writes",
        ),
    ),
    Threat(20, "more calls than places"),
    Threat(21, "calls mixed up", (f"{_MALFORMED}sound_of_another_call_does_not_cross",)),
    Threat(
        22,
        "offers that are none",
        (
            f"{_DOORS}garbage_leaves_nothing",
            "unit/webrtc_agent/test_webrtc_offer.py::test_garbage_that_looks_like_an_offer_leaves_no_task",
            "unit/webrtc_agent/test_webrtc_watch.py::test_who_never_connects_is_given_up",
        ),
    ),
    Threat(23, "keys and voices given away"),
    Threat(
        24,
        "a visitor makes us call a stranger, or a number that costs",
        (
            f"{_CALL_ME}other_numbers_are_refused",
            f"{_CALL_ME}only_our_own_page_may_ask",
            f"{_CALL_ME}nothing_is_called_unless_the_operator_wants_it",
            f"{_CALL_ME}limits_hold_over_all_tasks",
            f"{_CALL_ME}what_cannot_be_counted_is_not_called",
            "integration/test_phone_called_person.py::test_without_the_key_no_model_is_opened",
        ),
    ),
)

CATALOGUE: Final = Catalogue("threat", THREATS)
