"""Fitted clips kept in memory: small sets are decoded once, not once an item."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from aa.data.manifest import Clip


class ClipCache:
    """Keeps what was made of clips, latest used last, up to a number of bytes.

    Args:
        max_bytes: the most that is kept; what is larger by itself is never kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.bytes = max_bytes, 0
        self._kept = OrderedDict()

    def get(self, clip: Clip, make: Callable[[], tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
        """The arrays of a clip; `make()` makes them where they are not kept."""
        if clip in self._kept:
            self._kept.move_to_end(clip)
            return self._kept[clip]
        arrays = make()
        size = sum(a.nbytes for a in arrays)
        if size <= self.max_bytes:
            self._kept[clip] = arrays
            self.bytes += size
            while self.bytes > self.max_bytes:
                _, oldest = self._kept.popitem(last=False)
                self.bytes -= sum(a.nbytes for a in oldest)
        return arrays

    def __getstate__(self):
        """A copy in another process starts empty."""
        return {"max_bytes": self.max_bytes, "bytes": 0, "_kept": OrderedDict()}
