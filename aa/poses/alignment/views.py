"""Which driving frames show a bone as the picture does: equal views foreshorten equally."""

import numpy as np

from aa.poses.alignment.bones import BONES, Bone, Joints
from aa.poses.skeleton import LEFT_EAR, LEFT_EYE, RIGHT_EAR, RIGHT_EYE

WITHIN = 20.0  # degrees between two directions that count as one


def view_differences(driving: Joints, reference: Joints, bone: Bone) -> np.ndarray:
    """Degrees by which each frame's view of a bone differs from the picture's, [F].

    The largest of the differences in its own direction, its parent's, the torso's and, for a
    width, in how far the head is turned; inf where the frame lacks one that the picture shows.
    """
    angles = [angle_differences(driving, reference, bone)]
    for other in {bone.parent or "torso", "torso"}:
        if not np.isnan(reference.lengths(BONES[other])[0]):
            angles.append(angle_differences(driving, reference, BONES[other]))
    if bone.turns:
        angles.append(turn_differences(driving, reference))
    return np.nan_to_num(np.max(angles, axis=0), nan=np.inf)


def angle_differences(driving: Joints, reference: Joints, bone: Bone) -> np.ndarray:
    """Degrees between a bone's directions in frames and in the picture, [F]; nan if not seen."""
    difference = driving.angles(bone) - reference.angles(bone)[0]
    return np.abs((difference + 180) % 360 - 180)


def turn_differences(driving: Joints, reference: Joints) -> np.ndarray:
    """Degrees between how far heads are turned, to whichever side, [F]; 0 if the picture hides it.

    By the ears, by the eyes if the picture does not show both ears.
    """
    for left, right in ((LEFT_EAR, RIGHT_EAR), (LEFT_EYE, RIGHT_EYE)):
        turn = reference.turns(left, right)[0]
        if not np.isnan(turn):
            return np.abs(np.abs(driving.turns(left, right)) - np.abs(turn))
    return np.zeros(len(driving.points))
