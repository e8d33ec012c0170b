"""Turns, and the requests that follow from them."""
