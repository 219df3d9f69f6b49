"""Smoothing of tracks without lag: local parabolas, each over as many frames as the motion allows.

Around every frame parabolas are fitted to ever more frames (Savitzky and Golay 1964; missing points
have no weight). More frames leave less noise and flatten quick motion. The longest fit that agrees
with all shorter ones within their noise is taken: the rule of intersecting confidence intervals
(Katkovnik 1999). So still points lose most of their noise, and turning points stay where they are.
"""

import numpy as np

RADII = (
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
)  # frames to each side of the one that is smoothed, at 25 per second
RATE = 25.0
CONFIDENCE = 2.0  # standard deviations that fits may differ by
LEAST_POINTS = 4  # a parabola through three has no noise to lose


def noise_of(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Estimate the standard deviation of the noise of tracks from their third differences, in which
    motion of a person at video rates all but vanishes.

    Args:
        values: coordinates, [F, N].
        present: which are there, bool [F, N].

    Returns:
        float [N]; 0 for a track with fewer than four frames in a row.
    """
    if len(values) < 4:
        return np.zeros(values.shape[1])
    differences = np.abs(np.diff(values, n=3, axis=0))
    whole = present[:-3] & present[1:-2] & present[2:-1] & present[3:]
    differences = np.where(whole, differences, np.nan)
    known = whole.any(axis=0)
    noise = np.zeros(values.shape[1])
    # 0.6745: the median of the absolute value of a standard normal; 20 = 1 + 9 + 9 + 1.
    noise[known] = np.nanmedian(differences[:, known], axis=0) / 0.6745 / np.sqrt(20)
    return noise


def smooth_tracks(
    values: np.ndarray, present: np.ndarray, *, seconds: float, fps: float
) -> np.ndarray:
    """Smooth coordinates over time, see the module.

    Args:
        values: coordinates, [F, N].
        present: which are there, bool [F, N]; the others stay as they are.
        seconds: the longest fit looks at, half of it to each side.
        fps: frames per second.
    """
    values = values.astype("float64")
    noise = noise_of(values, present)
    smooth = values.copy()
    low, high = values - CONFIDENCE * noise, values + CONFIDENCE * noise
    agrees = present.copy()
    for radius in _radii(seconds, fps):
        fitted, spread = _parabolas(values, present, radius)
        with np.errstate(invalid="ignore"):
            low = np.fmax(low, fitted - CONFIDENCE * noise * spread)
            high = np.fmin(high, fitted + CONFIDENCE * noise * spread)
            agrees &= (low <= high) | np.isnan(fitted)
        taken = agrees & ~np.isnan(fitted)
        smooth[taken] = fitted[taken]
    return smooth


def _radii(seconds: float, fps: float) -> list[int]:
    """Frames to each side for each fit, the shortest first."""
    longest = int(seconds * fps / 2)
    scaled = (max(1, round(radius * fps / RATE)) for radius in RADII)
    return sorted({radius for radius in scaled if radius <= longest})


def _parabolas(
    values: np.ndarray, present: np.ndarray, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a parabola around every frame to the frames at most `radius` away.

    Returns:
        its value there, [F, N], NaN where too few points are present, and the share of the noise's
        standard deviation that is left in it.
    """
    from scipy.ndimage import correlate1d  # deferred: a quarter of a second

    steps = np.arange(-radius, radius + 1) / radius

    def sums(of: np.ndarray, power: int) -> np.ndarray:
        return correlate1d(of, steps**power, axis=0, mode="constant")

    weights = present.astype("float64")
    m0, m1, m2, m3, m4 = (sums(weights, power) for power in range(5))
    # Of the inverse of the normal equations, whose columns are m0 m1 m2, m1 m2 m3 and m2 m3 m4, the
    # row of the constant term.
    row = m2 * m4 - m3**2, m2 * m3 - m1 * m4, m1 * m3 - m2**2
    determinant = m0 * row[0] + m1 * row[1] + m2 * row[2]
    enough = (m0 >= LEAST_POINTS) & (determinant > 1e-9)
    scale = 1 / np.where(enough, determinant, np.inf)
    fitted = sum(part * sums(weights * values, power) for power, part in enumerate(row)) * scale
    return np.where(enough, fitted, np.nan), np.sqrt(np.maximum(row[0] * scale, 0))
