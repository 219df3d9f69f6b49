"""Who is who: people followed over the frames of a video, and one of them chosen."""

from dataclasses import dataclass, field

import numpy as np

from aa.errors import UserError
from aa.poses.detectors.person import Person, apart
from aa.poses.poses import Poses
from aa.poses.skeleton import NUM_POINTS

LONGEST_LOSS = 1.0  # seconds after which somebody who comes back is another
LONGEST_ALONE = 5.0  # the same, where nobody else is there
SHORTEST_TIME = 0.2  # seconds; what is seen for less is nobody
NEAR, FAR = 0.3, 0.7  # sizes of a body that it moves in a frame, and while it is lost, at most
LEAST_LIKE = 0.6  # the smaller size of one body in two frames, in parts of the larger
MEMORY = 5  # frames of which the speed is taken
LOOK_AHEAD = 0.2  # seconds for which it is trusted


@dataclass
class _Someone:
    frames: list[int] = field(default_factory=list)
    seen: list[Person] = field(default_factory=list)
    scene: int = 0  # how many of these frames are of scenes before this one

    def add(self, frame: int, person: Person, *, cut: bool) -> None:
        if cut:
            self.scene = len(self.frames)
        self.frames.append(frame)
        self.seen.append(person)

    def expected(self, frame: int, most: int) -> Person:
        """The person as it is expected in a frame: moved on at its speed for `most` frames."""
        last = self.seen[-1]
        first = max(self.scene, len(self.frames) - MEMORY)
        frames, people = self.frames[first:], self.seen[first:]
        if frames[-1] - frames[0] != len(frames) - 1 or len(frames) < 2:
            return last  # lost in between, or just come
        speed = (centre(people[-1]) - centre(people[0])) / (len(frames) - 1)
        return Person(last.points + speed * min(frame - frames[-1], most), last.scores)


class Following:
    """Follows everybody through the frames, which are added one by one.

    Args:
        fps: frames per second.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._everybody: list[_Someone] = []
        self._frame = 0

    def add(self, people: list[Person], *, cut: bool = False) -> None:
        """Add the people of the next frame; `cut`: it is the first of another scene."""
        known = [s for s in self._everybody if self._frame - s.frames[-1] <= self._longest]
        people = sorted(people, key=lambda person: (*centre(person), -person.size))
        pairs = self._after_cut(known, people) if cut else self._matched(known, people)
        for number, person in enumerate(people):
            if number in pairs:
                someone = known[pairs[number]]
            else:
                someone = _Someone()
                self._everybody.append(someone)
            someone.add(self._frame, person, cut=cut)
        self._frame += 1

    @property
    def _longest(self) -> float:
        alone = len(self._everybody) == 1
        return max((LONGEST_ALONE if alone else LONGEST_LOSS) * self.fps, 1)

    def _matched(self, known: list[_Someone], people: list[Person]) -> dict[int, int]:
        """Numbers of known people for those of the frame: the pairs with the least cost in all."""
        from scipy.optimize import linear_sum_assignment  # deferred: half a second

        cost = np.array([[self._cost(s, person) for s in known] for person in people])
        if not cost.size:
            return {}
        rows, columns = linear_sum_assignment(np.minimum(cost, 100.0))  # in sizes: never chosen
        return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if cost[r, c] <= 1}

    def _cost(self, someone: _Someone, person: Person) -> float:
        """How far a person is from where someone is expected; more than 1: too far."""
        gap = self._frame - someone.frames[-1]
        expected = someone.expected(self._frame, max(round(LOOK_AHEAD * self.fps), 1))
        small, large = sorted((expected.size, person.size))
        if small < LEAST_LIKE * large:
            return float("inf")
        lost = min((gap - 1) / (LONGEST_LOSS * self.fps), 1)
        way = apart(expected, person)
        if not np.isfinite(way):  # no joint in common
            way = float(np.hypot(*(centre(expected) - centre(person)))) / small
        return way / (NEAR + (FAR - NEAR) * lost)

    def _after_cut(self, known: list[_Someone], people: list[Person]) -> dict[int, int]:
        """The same in another scene, where nobody is in their old place: from the left where as
        many are there, else from the largest."""
        latest = max((s.frames[-1] for s in known), default=0)
        before = [number for number, s in enumerate(known) if s.frames[-1] == latest]
        now = list(range(len(people)))
        if len(before) == len(now):
            before.sort(key=lambda number: centre(known[number].seen[-1])[0])
        else:
            before.sort(key=lambda number: -known[number].seen[-1].size)
            now.sort(key=lambda number: -people[number].size)
        return dict(zip(now, before, strict=False))

    def people(self, height: int, width: int) -> list[Poses]:
        """Poses of everybody in all frames so far, of that size, in the order in which they came,
        from the left; whoever was there for a moment only is left out."""
        least = min(SHORTEST_TIME * self.fps, self._frame / 2)
        lasting = [s for s in self._everybody if len(s.frames) >= least]
        return [self._poses(s, height, width) for s in lasting or self._everybody]

    def _poses(self, someone: _Someone, height: int, width: int) -> Poses:
        points = np.zeros((self._frame, NUM_POINTS, 2), "float32")
        scores = np.zeros((self._frame, NUM_POINTS), "float32")
        points[someone.frames] = [person.points for person in someone.seen]
        scores[someone.frames] = [person.scores for person in someone.seen]
        return Poses(points, scores, height, width, self.fps)


def centre(person: Person) -> np.ndarray:
    """The middle of a person's box, x and y in pixels [2]."""
    return (person.box[:2] + person.box[2:]) / 2


def choose_person(people: list[Poses], which: str | int) -> Poses:
    """Choose one of the people of a video.

    Args:
        people: in the order in which they came, see `Following.people`.
        which: `largest`: by its median height times the frames in which it was seen; `left`,
            `right`: by its median place, among those who were seen at least half as long as
            anybody; or a number from 0.

    Raises:
        UserError: there is nobody of that number.
    """
    boxes = [_boxes(poses) for poses in people]
    if which == "largest":
        weights = [np.median(b[:, 3] - b[:, 1]) * len(b) if len(b) else 0 for b in boxes]
        return people[int(np.argmax(weights))]
    if which in ("left", "right"):
        longest = max(len(b) for b in boxes)
        places = [np.median(b[:, 0] + b[:, 2]) if len(b) else 0 for b in boxes]
        staying = [n for n, b in enumerate(boxes) if len(b) >= longest / 2]
        return people[(min if which == "left" else max)(staying, key=lambda n: places[n])]
    if str(which).isdecimal() and int(which) < len(people):
        return people[int(which)]
    raise UserError(
        f"person={which}: {len(people)} found, expected largest, left, right or a number from 0 "
        f"to {len(people) - 1}, in the order in which people come, from the left."
    )


def _boxes(poses: Poses) -> np.ndarray:
    """Boxes of a person in the frames in which it was seen: float [frames, 4]."""
    everybody = (Person(p, s) for p, s in zip(poses.points, poses.scores, strict=True))
    boxes = [person.box for person in everybody if len(person.joints)]
    return np.array(boxes).reshape(-1, 4)
