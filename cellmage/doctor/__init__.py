"""``python -m cellmage doctor``: what a report about a problem should say, without any secret."""

from .report import run_doctor

__all__ = ["run_doctor"]
