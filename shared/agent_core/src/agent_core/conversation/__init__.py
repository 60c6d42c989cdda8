"""One conversation: what happens in it, what follows from that, and the session that carries it out."""
