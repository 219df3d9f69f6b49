"""Schemas of all keys, the overrides that set them, and errors about both."""
