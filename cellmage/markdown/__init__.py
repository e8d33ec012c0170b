"""CommonMark for text that is still arriving: pure functions, independent of any display."""
