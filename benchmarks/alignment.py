"""Alignment of poses to a picture, measured on figures whose truth is known.

    python benchmarks/alignment.py [--pairs 48] [--json alignment.json]

Figure B's skeleton in a motion is aligned to a picture of figure A, and compared with A's own
skeleton in that motion. Of each pair and method:

    error: mean distance of joints over all frames, in % of A's height.
    worst: the 90th percentile of these distances.
    slide: movement of a foot from frame to frame that the truth has not, where the truth's foot
        stands still (moves by less than 0.2 % of the height), in % of the height.
    bones: mean difference of the lengths of limbs, in %.
    lost: share of the joints that lie in the picture and that the method has dropped, in %.

Joints count where the truth or the result lies in the picture; those that a method drops do not.

Methods: none (the frame fitted into the picture), the rules of Wan and MusePose, ours by scale
alone and by limbs, and ours with the true ratios of the bones, which is about the least error that
can be had: noise that passes through, and where the picture is thought to stand. Means over pairs,
and half of the 95 % interval of the mean. A last list says where limbs come to half of the error of
the best of the first three, or less (same view: under 1.5 %), and to no more than scale's.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from alignment_cases import CASES, draw_pair
from alignment_rules import muse_rule, wan_rule

from aa.evaluation.metrics import mean_and_interval
from aa.poses import align_poses
from aa.poses.alignment.bones import BONES, Joints
from aa.poses.alignment.move import move
from aa.poses.alignment.ratios import head_sizes
from aa.poses.skeleton import BODY, LEFT_ANKLE, LIMBS, RIGHT_ANKLE

STILL = 0.002  # heights a frame
MEASURES = ("error", "worst", "slide", "bones", "lost")


def ours(mode):
    """Our alignment as a function of a pair to joints [F, 18, 2]; nan: dropped."""

    def align(pair):
        return as_joints(align_poses(pair.driving, pair.reference, mode=mode)[0])

    return align


def with_known_bones(pair):
    """Ours with the true ratios: what is left is noise that passes through, and that of the place.

    No rule that takes the place from the picture can be much better.
    """
    still = pair.still[:1]  # the first frame has no zoom
    truth = still.with_points(np.pad(pair.truth[:1], [(0, 0), (0, 110), (0, 0)]))
    joints, true = Joints.of(still), Joints.of(truth)
    ratios = {n: (true.lengths(b) / joints.lengths(b))[0] for n, b in BONES.items()}
    sizes = [head_sizes(poses, still)[0][0] for poses in (truth, still)]
    ratios |= {"head": sizes[0] / sizes[1], "whole": pair.tall / pair.driver_tall}
    return as_joints(move(pair.driving, pair.reference, ratios))


def as_joints(poses):
    """Joints [F, 18, 2]; nan where there is none."""
    return np.where(poses.seen[:, BODY, None], poses.points[:, BODY], np.nan)


METHODS = {
    "none": ours("none"),
    "Wan": lambda pair: wan_rule(pair.driving, pair.reference),
    "MusePose": lambda pair: muse_rule(pair.driving, pair.reference),
    "scale": ours("scale"),
    "limbs": ours("limbs"),
    "known bones": with_known_bones,
}


def measure(pair, aligned):
    """The MEASURES of joints [F, 18, 2]."""
    distances = np.hypot(*np.moveaxis(aligned - pair.truth, 2, 0)) / pair.tall
    size = pair.reference.width - 0.5, pair.reference.height - 0.5
    inside, shown = (((p >= -0.5) & (p < size)).all(axis=2) for p in (pair.truth, aligned))
    distances = np.where(inside | shown, distances, np.nan)
    lengths = [
        np.stack([np.hypot(*(p[:, b] - p[:, a]).T) for a, b in LIMBS])
        for p in (aligned, pair.truth)
    ]
    steps = [
        np.diff(points[:, [RIGHT_ANKLE, LEFT_ANKLE]], axis=0) / pair.tall
        for points in (aligned, pair.truth)
    ]
    still = np.hypot(*np.moveaxis(steps[1], 2, 0)) < STILL
    slide = np.hypot(*np.moveaxis(steps[0] - steps[1], 2, 0))[still]
    slide = slide[~np.isnan(slide)]
    values = (
        np.nanmean(distances),
        np.nanpercentile(distances, 90),
        slide.mean() if len(slide) else np.nan,
        np.nanmean(np.abs(lengths[0] / np.maximum(lengths[1], 0.005 * pair.tall) - 1)),
        (np.isnan(distances) & inside).sum() / max(inside.sum(), 1),
    )
    return [100 * value for value in values]


def run(pairs):
    """{case: {method: {measure: {mean, half_width}}}}."""
    results = {}
    for case in CASES:
        drawn = [draw_pair(case, number) for number in range(pairs)]
        results[case] = {}
        for name, method in METHODS.items():
            values = np.array([measure(p, method(p)) for p in drawn])
            results[case][name] = {
                measure_: summary(values[:, column]) for column, measure_ in enumerate(MEASURES)
            }
    return results


def summary(values):
    values = values[~np.isnan(values)]
    if not len(values):
        return {"mean": None, "half_width": None}
    mean, half = mean_and_interval(values)
    return {"mean": float(mean), "half_width": float(half or 0)}


def bars(results):
    """By case: the most error that limbs may have, theirs, others', and whether the bar is met."""
    found = {}
    for case, methods in results.items():
        errors = {name: methods[name]["error"]["mean"] for name in METHODS}
        best = min(errors[name] for name in ("none", "Wan", "MusePose"))
        limit = 1.5 if case == "same view" else best / 2
        met = errors["limbs"] <= min(limit, errors["scale"])
        found[case] = {
            "limit": limit,
            "limbs": errors["limbs"],
            "scale": errors["scale"],
            "known bones": errors["known bones"],
            "met": met,
        }
    return found


def table(results):
    """The results as a table in markdown."""
    lines = [
        "| case | method | error | worst | slide | bones | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, methods in results.items():
        for name, measures in methods.items():
            cells = [_cell(measures[measure_]) for measure_ in MEASURES]
            lines.append(f"| {case if name == 'none' else ''} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(score):
    if score["mean"] is None:
        return "-"
    return f"{score['mean']:.2f} ± {score['half_width']:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = run(options.pairs)
    print(table(results), "\n")
    for case, bar in bars(results).items():
        values = ", ".join(f"{name} {value:.2f}" for name, value in bar.items() if name != "met")
        print(f"{case}: {'met' if bar['met'] else 'NOT met'} ({values})")
    if options.json:
        options.json.write_text(json.dumps({"cases": CASES, "results": results}, indent=1))


if __name__ == "__main__":
    main()
