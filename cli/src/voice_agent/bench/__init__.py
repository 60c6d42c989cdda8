"""Measures the phone agent beside a stock Pipecat one: the same calls, the same model, the same minute."""
