"""Deploys the voice agent into an AWS account, updates it, and deletes it.

Contains `voice-agent deploy`, `deploy-plan` and `destroy`. It knows the templates of infra/cloudformation by
their file names and does not import the services: what they need is what the templates declare.
"""
