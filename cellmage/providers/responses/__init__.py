"""OpenAI's Responses API, as pure functions: bytes to events, and a request to its payload."""
