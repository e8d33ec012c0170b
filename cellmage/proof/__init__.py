"""What a model wrote, run in the twin before anybody relies on it: code, fixes and figures."""
