"""Speech recognition of the model. The simulated phone uses the same, so it lives in `standins.speech`."""

from standins.speech.recognition import RecognisedWords, RecognitionService, SessionRecognition, SpeechStarted

__all__ = ["RecognisedWords", "RecognitionService", "SessionRecognition", "SpeechStarted"]
