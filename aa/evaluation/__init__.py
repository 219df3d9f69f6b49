"""Measures of how near generated videos come to true ones."""
