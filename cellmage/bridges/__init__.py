"""Models of other packages as providers: entry points of the group ``cellmage.providers``."""
