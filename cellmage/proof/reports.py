"""How the twin reports what came of a piece of code: as an output that no page shows."""

MEDIA_TYPE = "application/x.cellmage.report"
"""Its data is a word that the parent has chosen at random, so that code cannot write one, and an
object of JSON."""
