"""Threads, the event loop and interrupts: how synchronous code reads an asynchronous stream."""
