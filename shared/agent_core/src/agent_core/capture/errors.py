"""Errors of capturing a value."""


class NotUnderstood(ValueError):
    """Words contain no valid value of the kind; the reason is a constant and contains nothing that was said."""
