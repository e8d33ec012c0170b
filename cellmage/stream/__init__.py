"""One answer while it is read."""
