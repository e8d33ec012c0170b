"""Answers that are read beside the running cells: a few at a time, the others wait in order."""
