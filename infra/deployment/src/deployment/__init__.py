"""Puts the voice agent into an AWS account, keeps it current there, and takes it away.

`voice-agent deploy`, `deploy-plan` and `destroy` start here. It knows the templates of infra/cloudformation by their
file names, and nothing of the services' code: what they need is what the templates ask for.
"""
