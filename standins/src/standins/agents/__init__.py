"""Reads agent folders for the stand-ins: who an agent is, which lines it has rehearsed, and which words it knows.

Written from the format's description. It shares no code with the runtime and never imports an agent's `tools.py`.
"""
