"""The `voice-agent` command: runs the agent on a laptop, calls it and measures it.

Other packages add commands through entry points; see `voice_agent.plug_in`. Importing this package has no effect.
"""
