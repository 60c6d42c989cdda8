"""Our own transport to the model: HTTP/2, event stream and signatures on the event loop, without the AWS SDK."""
