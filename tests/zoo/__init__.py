"""Scripted servers that answer exactly as families of models do, and the product against them."""
