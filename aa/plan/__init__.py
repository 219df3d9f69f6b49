"""What a training step needs, counted before it is run: memory and operations."""
