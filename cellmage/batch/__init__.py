"""One prompt for many rows: rows in, results out, at the rate that the server allows."""
