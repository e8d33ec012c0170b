"""Names by which existing notebooks load cellmage."""
