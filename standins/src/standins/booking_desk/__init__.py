"""Stand-in for a reservation system with an MCP server.

It is built on the official SDK's server, speaks streamable HTTP, and keeps its book in memory.
"""
