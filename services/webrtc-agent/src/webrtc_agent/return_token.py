"""Define the token with which a page resumes its conversation. No I/O."""

from dataclasses import dataclass, replace

from webrtc_agent.errors import UnknownSession


@dataclass(frozen=True, slots=True)
class Token:
    """What a page sends to resume.

    Attributes:
        name: Of the conversation; not secret.
        key: Decrypts what is stored of it.
        part: The part that had this token.
    """

    name: str
    key: str
    part: int

    def __str__(self) -> str:
        return f"{self.name}.{self.key}.{self.part}"

    def __repr__(self) -> str:
        # A token grants access, so it must not appear in a log or traceback.
        return "Token(…)"

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Parse a token.

        Raises:
            UnknownSession: the text is not a token.
        """
        parts = text.split(".")
        # Checked strictly and cheaply: anyone can send a token.
        if len(parts) != 3 or not all(part.isascii() for part in parts) or not parts[2].isdigit() or len(text) > 128:  # noqa: PLR2004
            raise UnknownSession("token")
        return cls(parts[0], parts[1], int(parts[2]))

    @property
    def memory(self) -> str:
        """The conversation's name in the store."""
        return f"visit/{self.name}"

    def next(self, part: int) -> "Token":
        """Return the token of another part."""
        return replace(self, part=part)
