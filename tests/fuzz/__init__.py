"""Differential fuzzing: what is published, judged by the parsers of five front ends."""
