"""Two public rules of alignment, written anew from what they do, to compare with: bodies alone.

Both measure bones in one driving frame, the first. Points are [F, 18, 2] in pixels, `seen` is bool.
"""

import numpy as np

from aa.poses.skeleton import (
    LEFT_ANKLE,
    LEFT_EAR,
    LEFT_HIP,
    LEFT_SHOULDER,
    LIMBS,
    NECK,
    NOSE,
    RIGHT_ANKLE,
    RIGHT_EAR,
    RIGHT_HIP,
    RIGHT_SHOULDER,
)

TWINS = ((0, 1), (2, 4), (3, 5), (6, 9), (7, 10), (8, 11))  # numbers in LIMBS
PAIRED_FACE = ((13, 15), (14, 16))
REPAIRED = (((2, 3, 4), (5, 6, 7)), ((8, 9, 10), (11, 12, 13)))


def wan_rule(driving, reference):
    """Wan's retarget_pose: the larger ratio of both sides, placed once by the first frame.

    The scale of the way is that of the height from nose to ankles, else to hips, else of the
    pictures' areas. A missing limb is taken to hang straight down, as long as its twin or by the
    torso. Bones without a ratio get the shoulders' mean. A joint that either side lacks goes.
    """
    first, picture = (_shown(poses)[0] for poses in (driving, reference))
    scale = _vertical_scale(first, picture, driving, reference)
    full = not np.isnan(first[[RIGHT_ANKLE, LEFT_ANKLE]] + picture[[RIGHT_ANKLE, LEFT_ANKLE]]).any()
    source, target = _repaired(first), _repaired(picture)
    kept = ~np.isnan(source + target).any(axis=1)
    ratios = _lengths(target) / np.maximum(_lengths(source), 1e-6)
    ratios = np.where(np.isnan(ratios), ratios[:2].mean(), ratios)
    for pair in TWINS:
        ratios[list(pair)] = ratios[list(pair)].max()
    for pair in PAIRED_FACE:
        ratios[list(pair)] = ratios[list(pair)].mean()
    points = np.where(kept[:, None], _shown(driving), np.nan)
    new = points * scale
    for (start, end), ratio in zip(LIMBS, ratios, strict=True):
        new[:, end] = new[:, start] + ratio * (points[:, end] - points[:, start])
    if full:
        hips, ankles = [RIGHT_HIP, LEFT_HIP], [RIGHT_ANKLE, LEFT_ANKLE]
        x = picture[hips, 0].mean() - new[0, hips, 0].mean()
        y = picture[ankles, 1].max() - new[0, ankles, 1].max()
    else:
        x, y = picture[NECK] - new[0, NECK]
    return new + np.array([x, y])


def muse_rule(driving, reference):
    """MusePose's pose_align: a scale for each part, the mean of both sides, about the neck.

    The neck's way is scaled by the pictures' heights. A length that a side lacks is left out, and a
    part without any keeps its size in picture heights (the original reckons with -1 there).
    """
    first, picture = (_shown(poses)[0] for poses in (driving, reference))
    plain = reference.height / driving.height

    def part(*bones):
        ratios = [_length(picture, *bone) / _length(first, *bone) for bone in bones]
        known = [ratio for ratio in ratios if not np.isnan(ratio)]
        return np.mean(known) if known else plain

    hips = [poses[[RIGHT_HIP, LEFT_HIP]].mean(axis=0) - poses[NECK] for poses in (picture, first)]
    body = np.hypot(*hips[0]) / np.hypot(*hips[1])
    body = plain if np.isnan(body) else body
    shoulder = part((RIGHT_SHOULDER, LEFT_SHOULDER))
    face = part((RIGHT_EAR, LEFT_EAR))
    limbs = {(2, 5): part((2, 3), (5, 6)), (3, 6): part((3, 4), (6, 7))}
    limbs |= {(8, 11): part((8, 9), (11, 12)), (9, 12): part((9, 10), (12, 13))}
    ratios = {(NECK, RIGHT_SHOULDER): shoulder, (NECK, LEFT_SHOULDER): shoulder}
    ratios |= {(NECK, RIGHT_HIP): body, (NECK, LEFT_HIP): body, (NECK, NOSE): part((NECK, NOSE))}
    ratios |= {(s, s + 1): ratio for starts, ratio in limbs.items() for s in starts}
    ratios |= {(NOSE, end): face for end in (14, 15, 16, 17)}
    points = _shown(driving)
    new = points * plain
    for (start, end), ratio in ratios.items():
        new[:, end] = new[:, start] + ratio * (points[:, end] - points[:, start])
    return new + picture[NECK] - new[0, NECK]


def _shown(poses):
    return np.where(poses.seen[:, :18, None], poses.points[:, :18].astype(np.float64), np.nan)


def _length(points, start, end):
    return np.hypot(*(points[end] - points[start]))


def _lengths(points):
    return np.array([_length(points, *limb) for limb in LIMBS])


def _vertical_scale(first, picture, driving, reference):
    for joints in ([RIGHT_ANKLE, LEFT_ANKLE], [RIGHT_HIP, LEFT_HIP]):
        heights = [abs(p[joints, 1].mean() - p[NOSE, 1]) for p in (picture, first)]
        if not np.isnan(heights).any():
            return heights[0] / heights[1]
    areas = [poses.height * poses.width for poses in (reference, driving)]
    return np.sqrt(areas[0] / areas[1])


def _repaired(points):
    """Missing limbs hung straight down: as long as the twin's, else by the torso."""
    points = points.copy()
    torso = np.nanmax([_length(points, NECK, hip) for hip in (RIGHT_HIP, LEFT_HIP)] + [0])
    for share, sides in zip((0.5, 1.0), REPAIRED, strict=True):
        for limb, other in (sides, sides[::-1]):
            for number in (1, 2):
                start, end = limb[number - 1], limb[number]
                if np.isnan(points[start, 0]) or not np.isnan(points[end, 0]):
                    continue
                length = _length(points, other[number - 1], other[number])
                length = share * torso if np.isnan(length) else length
                if length:
                    points[end] = points[start] + (0, length)
    return points
