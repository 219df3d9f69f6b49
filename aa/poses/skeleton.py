"""The points of a pose: OpenPose's 18 of the body, 68 of the face, 21 of each hand; 128 in all.

Right and left are the person's own: right is image left of somebody who faces the camera.
"""

# COCO's 18 joints in OpenPose's order.
JOINTS = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
(
    NOSE, NECK, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST,
    RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE,
    RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR,
) = range(18)  # fmt: skip

# Where the parts stand among the 128 points. The face is in dlib's order of 68 points (jaw from
# the person's right ear, brows, nose, eyes, lips), hands in OpenPose's: wrist, then four points
# from root to tip of the thumb and of each finger.
BODY, FACE, LEFT_HAND, RIGHT_HAND = slice(0, 18), slice(18, 86), slice(86, 107), slice(107, 128)
PARTS = {"body": BODY, "face": FACE, "left_hand": LEFT_HAND, "right_hand": RIGHT_HAND}
NUM_POINTS = 128

# OpenPose's limbs (pairs of joints) and its rainbow, one colour a limb and a joint.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
    (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
RAINBOW = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip

# Bones of a hand, pairs of its 21 points: five chains from the wrist.
HAND_BONES = tuple(
    (0 if joint == 1 else first + joint - 2, first + joint - 1)
    for first in (1, 5, 9, 13, 17)
    for joint in (1, 2, 3, 4)
)

# Each point's counterpart on the other side, in a mirrored picture.
_MIRRORED_BODY = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)
_MIRRORED_FACE = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
MIRRORED = (
    *_MIRRORED_BODY,
    *(FACE.start + point for point in _MIRRORED_FACE),
    *range(RIGHT_HAND.start, RIGHT_HAND.stop),
    *range(LEFT_HAND.start, LEFT_HAND.stop),
)
