"""Are clothes and colours the reference's? One pose, the figure's own reference and another's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aa.errors import UserError
from aa.evaluation.metrics import psnr_per_frame
from aa.puppets.clips import PARTS, Character
from aa.puppets.scenes import Scene, animate_all, score
from aa.puppets.test_pairs import Pairs

COLOURED = PARTS[2:]
APART = 30  # of 255: least mean difference of two colours that can be told apart by a score


@dataclass(frozen=True)
class Swaps:
    """The poses of `Pairs`, each with the reference of a partner.

    A partner is the next figure whose shirt and trousers both differ by APART or more.
    """

    pairs: Pairs
    partners: list  # [N] numbers of figures
    truths: np.ndarray  # uint8 [N, H, W, 3], the partner's looks on the figure's bones, in its pose
    parts: np.ndarray  # uint8 [N, H, W], where the parts are in `truths`

    @classmethod
    def draw(cls, pairs: Pairs) -> "Swaps":
        partners = [_partner(pairs.scenes, number) for number in range(len(pairs.scenes))]
        cast = [
            (scene.recast(pairs.scenes[partner]), t)
            for scene, partner, t in zip(pairs.scenes, partners, pairs.times, strict=True)
        ]
        truths = np.concatenate([scene.frames([t]) for scene, t in cast])
        return cls(pairs, partners, truths, np.concatenate([s.parts([t]) for s, t in cast]))

    def animate(
        self, animate: Callable[..., np.ndarray], *, progress: str | None = None
    ) -> np.ndarray:
        """The partners in the figures' poses, float32 [N, H, W, 3] in 0..1; see `animate_all`."""
        pairs = self.pairs
        references, own = (x[self.partners] for x in (pairs.references, pairs.reference_poses))
        given = references, pairs.poses[:, None], pairs.seeds, own
        return animate_all(animate, *given, progress=progress)[:, 0]


def score_swaps(swaps: Swaps, generated: np.ndarray) -> dict[str, Any]:
    """Scores of frames [N, H, W, 3], float in 0..1, as plain values.

    psnr_given: to the truth of the given reference; psnr_other: to the frame of the figure whose
    pose it is. Then per part of COLOURED, inside its true mask less one pixel at its rim:
        error: mean over pixels and channels of |frame - given figure's colour|, 0..255.
        error_other: the same to the other figure's colour.
        colour_error: |mean colour of the part - given figure's|, mean over channels, 0..255.
        error_truth: `error` of the true frame, which its soft edges leave.
        nearer: share of figures whose error is less than error_other, among those whose colours
            of the part differ by APART or more.
    """
    scenes = swaps.pairs.scenes
    given = [scenes[partner].character for partner in swaps.partners]
    other = [scene.character for scene in scenes]
    result = {
        "psnr_given": score(psnr_per_frame(generated, swaps.truths)),
        "psnr_other": score(psnr_per_frame(generated, swaps.pairs.truths)),
        "parts": {},
    }
    for part in COLOURED:
        masks = part_masks(swaps.parts, part)
        colours, others = (_colours(characters, part) for characters in (given, other))
        result["parts"][part] = _score_part(generated, swaps.truths, masks, colours, others)
    return result


def _score_part(
    generated: np.ndarray,
    truths: np.ndarray,
    masks: np.ndarray,
    colours: np.ndarray,
    others: np.ndarray,
) -> dict[str, Any]:
    error, error_other = (_errors(generated, masks, c) for c in (colours, others))
    differ = np.abs(colours - others).mean(axis=1) >= APART
    nearer = np.where(differ & ~np.isnan(error), error < error_other, np.nan)
    return {
        "error": score(error),
        "error_other": score(error_other),
        "colour_error": score(_colour_errors(generated, masks, colours)),
        "error_truth": score(_errors(truths / 255, masks, colours)),
        "nearer": score(nearer),
    }


def part_masks(parts: np.ndarray, part: str) -> np.ndarray:
    """bool [N, H, W]: pixels that show the part, as their four neighbours do.

    In the true frame they are nearly free of neighbours' colours: they differ from the part's by 1
    to 4 of 255 on average, stripes by 8 (64x64, 64 figures).
    """
    own = np.pad(parts == PARTS.index(part), [(0, 0), (1, 1), (1, 1)])
    beside = own[:, :-2, 1:-1] & own[:, 2:, 1:-1] & own[:, 1:-1, :-2] & own[:, 1:-1, 2:]
    return own[:, 1:-1, 1:-1] & beside


def _errors(frames: np.ndarray, masks: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """[N] mean |frame - colour| inside the masks, 0..255; nan where a mask is empty."""
    return np.array(
        [
            np.abs(255 * frame[mask] - colour).mean() if mask.any() else np.nan
            for frame, mask, colour in zip(frames, masks, colours, strict=True)
        ]
    )


def _colour_errors(frames: np.ndarray, masks: np.ndarray, colours: np.ndarray) -> np.ndarray:
    return np.array(
        [
            np.abs(255 * frame[mask].mean(axis=0) - colour).mean() if mask.any() else np.nan
            for frame, mask, colour in zip(frames, masks, colours, strict=True)
        ]
    )


def _colours(characters: list[Character], part: str) -> np.ndarray:
    return np.array([getattr(character, part) for character in characters], np.float64)


def _partner(scenes: list[Scene], number: int) -> int:
    for step in range(1, len(scenes)):
        partner = (number + step) % len(scenes)
        characters = [scenes[n].character for n in (number, partner)]
        gaps = [
            np.abs(np.diff(_colours(characters, p), axis=0)).mean() for p in ("shirt", "trousers")
        ]
        if min(gaps) >= APART:
            return partner
    raise UserError(
        f"figure {number} has no partner among {len(scenes)} whose shirt and trousers differ from "
        f"its own by {APART} of 255 or more; take more pairs."
    )
