"""Ollama's own API, as pure functions: bytes to events, and a request to its payload."""
