"""CommonMark as far as it must be known while a text arrives; pure, without a display."""
