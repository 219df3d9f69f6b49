"""Clips and their pose videos: reading, writing, paired geometry, the training items, puppets."""
