"""Sweeps: several runs of one command, their results and the report of them. No paddle."""
