"""A batch on several machines: Ray or Dask runs its parts, and runs again what was lost."""
