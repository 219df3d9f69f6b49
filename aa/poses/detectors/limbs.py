"""The hands and the face of one person, followed from frame to frame."""

import numpy as np

from aa.poses.detectors import face as faces
from aa.poses.detectors import hands, topology
from aa.poses.detectors.body import Body
from aa.poses.detectors.face import Face, Faces
from aa.poses.detectors.hands import Hand, Hands
from aa.poses.detectors.regions import Region

MIN_SEEN = 0.3  # of a wrist or a nose, for its hand or its face to be looked for
REST = 2  # frames from one search to the next for a hand that was not found


class HandPair:
    """Both hands of one person."""

    def __init__(self, network: Hands) -> None:
        self._network = network
        self._hands: list[Hand | None] = [None, None]
        self._wrists = [np.zeros(2), np.zeros(2)]  # of the body, in the last frame
        self._rest = [0, 0]  # frames until the next search

    def look(self, frame: np.ndarray, body: Body) -> list[Hand | None]:
        """The left and the right hand of a body in a frame uint8 [H, W, 3]; None: not seen."""
        arms = (topology.LEFT_HAND_OF_BODY, topology.RIGHT_HAND_OF_BODY)
        wrists = [body.points[arm[0]] for arm in arms]
        for side, arm in enumerate(arms):
            seen = body.scores[arm[0]] >= MIN_SEEN
            self._hands[side] = self._one(frame, body.points[list(arm)], side) if seen else None
        self._wrists = wrists
        first, second = self._hands
        if first and second and hands.are_one(first, second):
            away = [
                np.hypot(*(hand.points[hands.WRIST] - wrist))
                for hand, wrist in zip((first, second), wrists, strict=True)
            ]
            self._hands[int(np.argmax(away))] = None
        return list(self._hands)

    def _one(self, frame: np.ndarray, arm: np.ndarray, side: int) -> Hand | None:
        last, wrist = self._hands[side], arm[0]
        if last is not None:
            region = last.region.shifted(wrist - self._wrists[side])
            hand = self._network.look(frame, region)
            if hands.belongs(hand, wrist):
                return hand
        elif self._rest[side]:
            self._rest[side] -= 1
            return None
        rough = hands.rough_region(*arm)
        palms = self._network.find(frame, rough)
        for region in (*nearest(palms, rough.centre), rough):
            hand = self._network.look(frame, region)
            if hands.belongs(hand, wrist):
                again = self._network.look(frame, hand.region)  # now it is in the middle
                return again if hands.belongs(again, wrist) else hand
        self._rest[side] = REST - 1
        return None


class FaceOf:
    """The face of one person."""

    def __init__(self, network: Faces) -> None:
        self._network = network
        self._face: Face | None = None

    def look(self, frame: np.ndarray, body: Body) -> Face | None:
        """The face of a body in a frame uint8 [H, W, 3]; None: not seen."""
        last, self._face = self._face, None
        if body.scores[0] < MIN_SEEN:
            return None
        rough = faces.rough_region(body.points)
        for region in (rough,) if last is None else (last.region, rough):
            face = self._network.look(frame, region)
            if faces.belongs(face, body.points[0]):
                self._face = face if region is not rough else self._again(frame, face)
                break
        return self._face

    def _again(self, frame: np.ndarray, face: Face) -> Face:
        again = self._network.look(frame, face.region)  # now it is in the middle
        return again if again.presence >= faces.MIN_PRESENCE else face


def nearest(regions: list[Region], centre: np.ndarray) -> list[Region]:
    """The region nearest to a point [2], if there is any."""
    return sorted(regions, key=lambda region: float(np.hypot(*(region.centre - centre))))[:1]
