"""`voice-agent run` reports before the start which credentials pay for speech."""

from pathlib import Path

import pytest

from deployment import cost
from voice_agent.run import accounts

KEY = "AKIASP2TPHJSQH3FJRUX"
"""A published example; its account is 171436882533."""


def lines(environment: dict[str, str], *, real: bool, wishes: str = "auto") -> str:
    """Return the announced lines."""
    return "\n".join(accounts.announcement(environment, speech_is_real=real, wishes=wishes))


def test_keys_in_the_environment_are_announced_with_their_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the environment are announced with the price and the account's end, but never in full."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    said = lines({"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "secret"}, real=True)
    assert said.splitlines()[:2] == [
        "AWS credentials: AWS_ACCESS_KEY_ID of account …2533 in the environment. SPEECH COSTS MONEY:",
        "  about $0.01 a minute of conversation; NOVA=standin stays on this machine.",
    ]
    assert KEY not in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("credentials", f"[default]\naws_access_key_id = {KEY}\n", "a key of account …2533, profile default in "),
        ("config", "[default]\nsso_session = work\n", "profile default in "),
        ("config", "no section\n", ""),
    ],
    ids=["key", "sign-in", "unreadable"],
)
def test_credentials_in_a_file_alone_are_told_and_not_used(tmp_path: Path, name: str, text: str, says: str) -> None:
    """Credentials that are only in a file are announced and not used."""
    (tmp_path / name).write_text(text)
    there = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    said = lines(there, real=False)
    if not says:
        assert said == ""
        return
    unused = "They are not used, and speech costs nothing; NOVA=bedrock uses them."
    assert said == f"AWS credentials: {says}{tmp_path / name}. {unused}"
    assert lines(there, real=False, wishes="standin") == "", "a choice needs no announcement"


def test_the_price_is_the_deployments_own() -> None:
    """The announced price is the deployment's estimate, rounded."""
    model, *_ = cost.minute()
    assert round(model.dollars, 2) == accounts.DOLLARS_A_MINUTE
