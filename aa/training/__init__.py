"""Training: what trains, the trainer, what it records and keeps."""
