"""How Sphinx builds these pages: ``make docs``. A warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from reference_pages import write_pages

import cellmage

project = "cellmage"
author = copyright = "the cellmage authors"
release = version = cellmage.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
language = "en"
smartquotes = False  # quotes of an answer stay as they are
default_role = "code"  # docstrings write `name` for code
highlight_language = "none"

# Notebooks and pages with {code-cell} run while the pages are built; the offline model answers.
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parent / "_build" / ".cells")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

# Types are named in signatures as users write them. Those of other packages have pages elsewhere,
# which a build without a network cannot look up.
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
nitpick_ignore_regex = [("py:.*", r"(?!cellmage\.).*")]
# What stands for several types, or is only an argument of classes that users do not make.
nitpick_ignore = [
    ("py:class", f"cellmage.{name}")
    for name in (
        "batch.columns.Column",
        "batch.engines.batch_function.Batch",
        "code_blocks.CodeBlock",
        "conversation.journal.Journal",
        "pipeline.retrieval.Passage",
        "providers.adapters.Runnable",
        "recording.inputs.Inputs",
        "recording.recording.Policy",
        "stream.views.Readable",
        "tools.R_co",
    )
]

html_theme = "pydata_sphinx_theme"
html_title = "cellmage"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options: dict[str, Any] = {
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app: Any) -> None:
    """Write the pages of the reference before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: write_pages())
