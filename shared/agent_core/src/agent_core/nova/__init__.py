"""Speak to Amazon Nova Sonic: speech in, speech out, one Bedrock stream per conversation.

``wire`` encodes and parses the events, ``stream`` is the transport interface, ``sdk`` implements it with the AWS SDK,
``model_session`` speaks the protocol, ``prewarm_pool`` keeps a pre-warmed session until its call arrives, and
``service`` puts a session into a Pipecat pipeline.
"""
