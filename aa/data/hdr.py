"""HDR frames (HLG and PQ, ITU-R BT.2100) brought to what SDR images are: BT.709 in 8 bits."""

from functools import cache

import numpy as np

TRANSFERS = {16: "PQ", 18: "HLG"}  # as ITU-T H.273 numbers them
WHITE = 100.0  # candela per square metre of SDR's white, as ffmpeg's recipes take it
PEAK = 1000.0  # of the image; what is brighter is as bright
KNEE = 0.8  # of SDR's white: brightness is kept up to here and rolled off above
SDR_GAMMA = 2.4  # of an SDR display, ITU-R BT.1886
LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020
BT2020_TO_BT709 = np.array(  # linear light, ITU-R BT.2087
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


def to_sdr(frame: np.ndarray, transfer: str) -> np.ndarray:
    """Bring one HDR frame to SDR.

    Args:
        frame: BT.2020 RGB as coded, uint16 [H, W, 3] over the whole range.
        transfer: one of the values of `TRANSFERS`.

    Returns:
        uint8 [H, W, 3], BT.709.
    """
    light = _light_of_codes(transfer)[frame]
    if transfer == "HLG":  # of the scene: what a display of PEAK makes of it, BT.2100 table 5
        light *= (PEAK / WHITE) * np.maximum(light @ LUMA, 1e-6)[..., None] ** 0.2
    light = np.maximum(light @ BT2020_TO_BT709.T, 0)
    brightest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    light *= roll_off(brightest) / brightest  # all three alike: the hue stays
    return np.round(255 * np.minimum(light, 1) ** (1 / SDR_GAMMA)).astype(np.uint8)


def roll_off(light: np.ndarray) -> np.ndarray:
    """Brightness, 1 is SDR's white: as it is up to KNEE, then smoothly to 1 at PEAK (Moebius)."""
    peak = PEAK / WHITE
    a = -(KNEE**2) * (peak - 1) / (KNEE**2 - 2 * KNEE + peak)
    b = (KNEE**2 - 2 * KNEE * peak + peak) / (peak - 1)
    scale = (b**2 + 2 * b * KNEE + KNEE**2) / (b - a)
    rolled = scale * (light + a) / (light + b)
    return np.where(light <= KNEE, light, np.minimum(rolled, 1)).astype(np.float32)


@cache
def _light_of_codes(transfer: str) -> np.ndarray:
    """Linear light of every code: of HLG the scene's in 0..1, of PQ the display's over WHITE."""
    code = np.arange(2**16) / (2**16 - 1)
    if transfer == "HLG":
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    else:
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = code ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10000 / WHITE)
    return light.astype(np.float32)
