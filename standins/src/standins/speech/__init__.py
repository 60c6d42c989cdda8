"""Speech recognition and synthesis from Python packages only, for the simulated model and the simulated caller."""

from standins.speech.recognition import RecognisedWords, RecognitionService, SessionRecognition, SpeechStarted
from standins.speech.short_replies import ReplyReader, contains, transcribe_answer
from standins.speech.voice import NoVoiceError, VoiceService, sentences_of

__all__ = [
    "NoVoiceError",
    "RecognisedWords",
    "RecognitionService",
    "ReplyReader",
    "SessionRecognition",
    "SpeechStarted",
    "VoiceService",
    "contains",
    "sentences_of",
    "transcribe_answer",
]
