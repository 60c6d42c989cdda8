"""Make the settings that Pipecat expects of a model; ours are in the prompt that opens a session."""

from pipecat.services.settings import LLMSettings


def settings() -> LLMSettings:
    """Return a new set of settings; Pipecat may change its copy."""
    return LLMSettings(
        model="nova-sonic",
        system_instruction=None,
        temperature=None,
        max_tokens=None,
        top_p=None,
        top_k=None,
        frequency_penalty=None,
        presence_penalty=None,
        seed=None,
        filter_incomplete_user_turns=False,
        user_turn_completion_config=None,
    )
