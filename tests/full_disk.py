"""A disk that is full after so many bytes, as seen by who writes a file."""

import resource
from contextlib import contextmanager


@contextmanager
def no_file_larger_than(size):
    """Context in which writing more into any file fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
