"""A limit on what a foreign file may make of itself."""

import pickle

ROOM = 44 * 2**20  # bytes for the objects of small files


class Room:
    """Bytes that a file may fill with one kind of thing.

    Args:
        complaint: the message when they are too many.
        size: the bytes.
    """

    def __init__(self, complaint: str, size: int) -> None:
        self.complaint, self.left = complaint, size

    def take(self, count: int) -> None:
        """Fill some of it.

        Raises:
            pickle.UnpicklingError: there is less than that.
        """
        self.left -= count
        if self.left < 0:
            raise pickle.UnpicklingError(self.complaint)
