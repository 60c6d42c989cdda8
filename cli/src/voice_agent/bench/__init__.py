"""Benchmarks the phone agent against a stock Pipecat agent: the same calls, the same model, the same minute."""
