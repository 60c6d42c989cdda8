"""Capture values that callers say, spell or type: e-mail addresses, phone numbers, dates, numbers, names, postcodes.

The model receives a handle such as ``email_1``; the tool receives the value. See ``docs/howto/ask-for-a-value.md``.
"""
