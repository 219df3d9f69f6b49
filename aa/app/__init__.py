"""A local page: animate, a queue, a gallery, runs, comparisons."""
