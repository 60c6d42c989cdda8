"""`voice-agent doctor --live`: what no public source settles, asked of an owner's own accounts. It costs money."""
