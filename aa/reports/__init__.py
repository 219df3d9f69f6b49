"""Runs compared: one page that needs no other file, with plots, tables and samples."""
