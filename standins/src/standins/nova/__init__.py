"""A stand-in for Amazon Nova Sonic: InvokeModelWithBidirectionalStream over HTTP/2, limits, errors and faults included."""
