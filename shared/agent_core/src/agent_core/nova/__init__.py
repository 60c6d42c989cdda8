"""Amazon Nova Sonic: speech in, speech out, over one Bedrock stream for each conversation.

``wire`` knows the events, ``stream`` the small interface that carries them, ``sdk`` carries them with the AWS SDK,
``model_session`` speaks the protocol, ``prewarm_pool`` keeps a session warm until its call arrives and ``service`` puts
a session into a Pipecat pipeline.
"""
