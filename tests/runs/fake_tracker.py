"""A tracker that keeps what it is told; a test says what goes wrong with it."""

import time


class FakeTracker:
    """Keeps calls as (name, arguments).

    Attributes:
        told: of all of them since a test has cleared it.
        wrong: {name of a method: error to raise, or seconds to take}.
    """

    told, wrong = [], {}
    identity = "run-1"

    def _tell(self, name, *arguments):
        self.told.append((name, *arguments))
        trouble = self.wrong.get(name)
        if isinstance(trouble, Exception):
            raise trouble
        time.sleep(trouble or 0)

    def begin(self, run):
        self._tell("begin", run)
        return run.identity or self.identity

    def scalars(self, group, values, step):
        self._tell("scalars", group, dict(values), step)

    def image(self, tag, image, step):
        self._tell("image", tag, image.shape, step)

    def file(self, kind, path, step):
        self._tell("file", kind, path.name, step)

    def flush(self):
        self._tell("flush")

    def end(self, state):
        self._tell("end", state)
