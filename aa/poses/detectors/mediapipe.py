"""People by MediaPipe's networks: bodies found now and then and followed between, with hands and
faces. Their weights come with the package (see `networks`)."""

import numpy as np

from aa.poses.detectors import topology
from aa.poses.detectors.body import Bodies, Body
from aa.poses.detectors.face import Faces
from aa.poses.detectors.hands import Hands
from aa.poses.detectors.limbs import FaceOf, HandPair
from aa.poses.detectors.person import Person, apart, within
from aa.poses.detectors.regions import Region
from aa.poses.skeleton import BODY, FACE, LEFT_HAND, RIGHT_HAND

MIN_PRESENCE = 0.5
EVERY = 10  # frames from one search for new people to the next
SAME_BODY = 0.1  # sizes of a body between two that are one
SAME_REGION = 0.1  # sizes of a region between the centres of two that are one


class MediapipeDetector:
    """A detector, see `Detector`; `num_threads` of the processor, by default all."""

    def __init__(self, num_threads: int | None = None) -> None:
        self._bodies = Bodies(num_threads)
        self._hands, self._faces = Hands(num_threads), Faces(num_threads)
        self.reset()

    def reset(self) -> None:
        """Forget the frames so far."""
        self._followed: list[_Followed] = []
        self._frames = 0

    def __call__(self, frame: np.ndarray) -> list[Person]:
        """Everybody in a frame uint8 RGB [H, W, 3]."""
        bodies = [self._bodies.look(frame, someone.region) for someone in self._followed]
        kept: list[tuple[_Followed, Body, Person]] = []
        for someone, body in zip(self._followed, bodies, strict=True):
            self._keep(kept, someone, body, frame)
        if self._frames % EVERY == 0 or len(kept) < len(self._followed):
            self._add_new(kept, frame)
        self._frames += 1
        self._followed = [someone for someone, _, _ in kept]
        return [someone.update(frame, body) for someone, body, _ in kept]

    def _add_new(self, kept: list, frame: np.ndarray) -> None:
        for region in self._bodies.find(frame):
            if any(same_region(region, someone.region) for someone, _, _ in kept):
                continue
            body = self._bodies.look(frame, region)
            if body.presence >= MIN_PRESENCE:
                body = self._bodies.look(frame, body.region)  # now it is in the middle
                someone = _Followed(HandPair(self._hands), FaceOf(self._faces), region)
                self._keep(kept, someone, body, frame)

    def _keep(self, kept: list, someone: "_Followed", body: Body, frame: np.ndarray) -> None:
        """Append somebody unless that is nobody, or one who is there already."""
        person = with_parts(body, frame)
        if body.presence < MIN_PRESENCE:
            return
        if any(apart(person, other) < SAME_BODY for _, _, other in kept):
            return
        kept.append((someone, body, person))


class _Followed:
    """Somebody who is followed; `region` is where the body is to be looked for."""

    def __init__(self, hands: HandPair, face: FaceOf, region: Region) -> None:
        self.hands, self.face, self.region = hands, face, region

    def update(self, frame: np.ndarray, body: Body) -> Person:
        self.region = body.region
        left, right = self.hands.look(frame, body)
        face = self.face.look(frame, body)
        parts = ((LEFT_HAND, left), (RIGHT_HAND, right), (FACE, face))
        return with_parts(body, frame, [(part, seen) for part, seen in parts if seen])


def with_parts(body: Body, frame: np.ndarray, parts=()) -> Person:
    """A person of a body and pairs of a part's slice and what was seen of it."""
    points, scores = topology.no_points()
    points[BODY], scores[BODY] = topology.body_from_mediapipe(body.points, body.scores)
    for part, seen in parts:
        points[part], scores[part] = seen.points, seen.presence
    return Person(points, within(points, scores, *frame.shape[:2]).astype("float32"))


def same_region(first: Region, second: Region) -> bool:
    """Whether two regions of bodies are of one body, as far as regions can tell."""
    way = float(np.hypot(*(first.centre - second.centre)))
    larger = max(first.size, second.size)
    return way < SAME_REGION * larger and min(first.size, second.size) > larger / 2
