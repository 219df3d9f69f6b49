"""Weights on disk: three folder layouts, read safely, loaded strictly, written in one."""
