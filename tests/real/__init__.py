"""Tests with an instruct model on this machine: `make real`."""
