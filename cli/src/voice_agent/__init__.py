"""The `voice-agent` command: everything that a laptop needs to run the agent, call it and measure it.

Other packages add commands to it by entry points, see `voice_agent.plug_in`. Importing this package does nothing.
"""
