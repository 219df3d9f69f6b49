"""Memory and operations of a training step, counted before it is run."""
