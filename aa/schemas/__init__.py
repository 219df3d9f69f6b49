"""Schemas of the config groups, one file for what is chosen together. Import no paddle."""
