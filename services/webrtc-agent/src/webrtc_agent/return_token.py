"""The token with which a page comes back to its conversation. No I/O."""

from dataclasses import dataclass, replace

from webrtc_agent.errors import UnknownSession


@dataclass(frozen=True, slots=True)
class Token:
    """What a page shows to come back.

    Attributes:
        name: Of the conversation; no secret.
        key: Opens what is known of it.
        part: Which part had this token.
    """

    name: str
    key: str
    part: int

    def __str__(self) -> str:
        return f"{self.name}.{self.key}.{self.part}"

    def __repr__(self) -> str:
        return "Token(…)"

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Read one.

        Raises:
            UnknownSession: it is none.
        """
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() for part in parts) or not parts[2].isdigit() or len(text) > 128:  # noqa: PLR2004
            raise UnknownSession("token")
        return cls(parts[0], parts[1], int(parts[2]))

    @property
    def memory(self) -> str:
        """Under which name the store has the conversation."""
        return f"visit/{self.name}"

    def next(self, part: int) -> "Token":
        """Return the token of another part."""
        return replace(self, part=part)
