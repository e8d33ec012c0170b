"""Widgets beside an answer: what the user clicks while a cell runs."""
