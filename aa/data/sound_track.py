"""The sound of an mp4 while it is written."""

from collections.abc import Iterator

import numpy as np
from av.container import OutputContainer

from aa.data.sound import RATE, Sound, audio_frame

FRAME = 1024  # samples that AAC encodes at once


class SoundTrack:
    """An AAC stream of an mp4 that is being written, always as long as its frames are shown.

    Args:
        container: the mp4, opened for writing.
        sound: what to write; silence after its end.
    """

    def __init__(self, container: OutputContainer, sound: Sound) -> None:
        self.container, self.sound = container, sound
        self.stream = container.add_stream("aac", rate=RATE, layout=sound.layout)
        self.blocks: Iterator[np.ndarray] = sound.blocks()
        self.rest = np.zeros([sound.channels, 0], np.float32)  # read and not written yet
        self.position = 0  # samples written

    def write_until(self, seconds: float) -> None:
        """Write the sound of what has been shown after so many seconds, in whole AAC frames."""
        while round(seconds * RATE) - self.position >= FRAME:
            self._write(FRAME)

    def finish(self, seconds: float) -> None:
        """Write the sound up to its last sample."""
        self.write_until(seconds)
        if rest := round(seconds * RATE) - self.position:
            self._write(rest)
        self.container.mux(self.stream.encode(None))

    def _write(self, count: int) -> None:
        frame = audio_frame(self._take(count), self.sound.layout, self.position)
        self.container.mux(self.stream.encode(frame))
        self.position += count

    def _take(self, count: int) -> np.ndarray:
        """The next `count` samples."""
        parts = [self.rest]
        while (missing := count - sum(part.shape[1] for part in parts)) > 0:
            silence = np.zeros([self.sound.channels, missing], np.float32)
            parts.append(next(self.blocks, silence))
        samples = np.concatenate(parts, axis=1)
        self.rest = samples[:, count:]
        return samples[:, :count]
