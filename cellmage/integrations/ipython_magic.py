"""``%load_ext cellmage.integrations.ipython_magic``: the name in existing tutorials."""

from .. import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
