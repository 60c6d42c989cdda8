"""The dialogue of any agent folder: nearest rehearsed line, its values, the tool that it calls, the reply. No I/O."""
