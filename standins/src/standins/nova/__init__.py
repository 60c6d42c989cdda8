"""A stand-in for Amazon Nova Sonic: its bidirectional stream over HTTP/2, with limits, errors and faults."""
