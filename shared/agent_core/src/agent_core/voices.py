"""List the voices of each generation of Nova Sonic. No I/O.

Sources: the pages "Language support" and "Input events" of AWS's Nova 2 Sonic user guide, and "Available voices" of its
predecessor, read on 2026-11-29. Nova 2.5 Sonic was announced with the voices of Nova 2 Sonic. The model rejects any
other id, and any upper-case letter, only after a call has started: "Received invalid id".
"""

from difflib import get_close_matches
from typing import Final

from agent_core.errors import ConfigurationError

_BOTH: Final = frozenset(
    "matthew tiffany amy lupe carlos ambre florian lennart beatrice lorenzo".split()  # noqa: SIM905 - one line
)
_OF_NOVA_2: Final = _BOTH | {"olivia", "kiara", "arjun", "tina", "carolina", "leo"}
_OF_NOVA_1: Final = _BOTH | {"greta"}
_BY_MODEL: Final = {
    "amazon.nova-2-5-sonic": _OF_NOVA_2,
    "amazon.nova-2-sonic-v1:0": _OF_NOVA_2,
    "amazon.nova-sonic-v1:0": _OF_NOVA_1,
}


def of_model(model_id: str) -> frozenset[str]:
    """Return the voices of a model; for an unknown one, such as an ARN, those of all generations."""
    return _BY_MODEL.get(model_id, _OF_NOVA_2 | _OF_NOVA_1)


def check(voice: str, model_id: str) -> None:
    """Reject a voice that the model would reject during each call.

    Raises:
        ConfigurationError: the model is not known to have it; the reason suggests one and lists all.
    """
    known = of_model(model_id)
    if voice in known:
        return
    near = get_close_matches(voice.strip().lower(), known, n=1, cutoff=0.6)
    suggestion = f"did you mean {near[0]}? " if near else ""
    raise ConfigurationError(
        f"NOVA_SONIC_VOICE: not a voice of {model_id}; {suggestion}The voices are {', '.join(sorted(known))}. "
        "For a voice that AWS has added since, set NOVA_SONIC_VOICE_UNLISTED=true"
    )


OF_LANGUAGE: Final = {
    "en-US": ("matthew", "tiffany"),
    "en-GB": ("amy",),
    "en-AU": ("olivia",),
    "en-IN": ("kiara", "arjun"),
    "fr-FR": ("ambre", "florian"),
    "it-IT": ("beatrice", "lorenzo"),
    "de-DE": ("tina", "lennart"),
    "es-US": ("lupe", "carlos"),
    "pt-BR": ("carolina", "leo"),
    "hi-IN": ("kiara", "arjun"),
}
"""The voices made for each language that the model speaks, the default first."""


def for_language(language: str, preferred: str, model_id: str) -> str:
    """Return the voice of an agent that names none.

    Args:
        language: Language tag of the agent.
        preferred: ``NOVA_SONIC_VOICE``, which is taken if it was made for the language, or is not listed.
        model_id: The model, which may lack a voice.
    """
    made = OF_LANGUAGE[language]
    listed = {voice for voices in OF_LANGUAGE.values() for voice in voices}
    if preferred in made or (language.startswith("en") and preferred not in listed):
        return preferred
    # British English of an American voice is still English, so the operator's choice counts among these.
    if language == "en-US" and any(preferred in voices for tag, voices in OF_LANGUAGE.items() if tag.startswith("en")):
        return preferred
    return next((voice for voice in made if voice in of_model(model_id)), made[0])
