"""The demo: weights that the code carries, and a page that shows what they and a training make."""
