"""Fakes in the model's place, of which the right scores are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aa.config.inference import InferenceConfig
from aa.errors import UserError
from aa.puppets.evaluation import evaluate
from aa.puppets.scenes import Protocol, animate_all, score
from aa.puppets.test_clips import Clips
from aa.puppets.test_pairs import Pairs, score_pairs
from aa.puppets.test_poses import find_figures, joint_errors, overlaps, score_poses
from aa.puppets.test_swaps import APART, Swaps, part_masks
from aa.training.puppet_test import animator

PROTOCOL = Protocol(
    seed=3,
    height=32,
    width=32,
    scale=2,
    fps=8,
    num_frames=8,
    num_train_clips=4,
    num_pairs=12,
    num_clips=2,
    clip_frames=3,
)


@pytest.fixture(scope="module")
def pairs():
    return Pairs.draw(PROTOCOL)


@pytest.fixture(scope="module")
def swaps(pairs):
    return Swaps.draw(pairs)


@pytest.fixture(scope="module")
def clips():
    return Clips.draw(PROTOCOL)


@pytest.fixture(scope="module")
def oracle(pairs, clips):
    """An `animate` that knows the truth of every reference in every pose."""
    references = np.repeat(clips.references, PROTOCOL.clip_frames, axis=0)
    asked = [*zip(references, *map(np.concatenate, (clips.poses, clips.truths)), strict=True)]
    for pose, scene, t in zip(pairs.poses, pairs.scenes, pairs.times, strict=True):
        for reference, other in zip(pairs.references, pairs.scenes, strict=True):
            asked.append((reference, pose, scene.recast(other).frames([t])[0]))
    truths = {(r.tobytes(), p.tobytes()): t / np.float32(255) for r, p, t in asked}

    def animate(references, poses, seeds, reference_poses):
        both = zip(references, poses, strict=True)
        return np.stack([[truths[r.tobytes(), p.tobytes()] for p in video] for r, video in both])

    return animate


@pytest.fixture(scope="module")
def perfect(oracle):
    return evaluate(oracle, PROTOCOL, progress=False).scores


@pytest.fixture(scope="module")
def copied():
    return evaluate(copy, PROTOCOL, progress=False).scores


def copy(references, poses, seeds, reference_poses):
    return np.repeat(references[:, None] / np.float32(255), poses.shape[1], axis=1)


def means(scores):
    return {name: values["mean"] for name, values in scores.items()}


def test_the_truth_has_the_best_scores_of_quality(perfect):
    best = {"psnr": 100.0, "ssim": 1.0, "psnr_figure": 100.0}
    assert means(perfect["pairs"]["generated"]) == pytest.approx(best)
    still = {"temporal_error": 0, "temporal_error_figure": 0, "temporal_error_room": 0}
    assert means(perfect["clips"]["generated"]) == pytest.approx(best | still, abs=1e-4)


def test_the_truth_is_in_the_pose_that_was_asked_for(perfect):
    poses = means(perfect["poses"])
    assert poses["pose_error"] == 0
    assert poses["pose_error_wrong"] > 0.5
    assert poses["iou"] == poses["iou_truth"] > 0.8
    assert poses["iou_wrong"] < poses["iou"]
    assert poses["psnr_gain"] > 60


def test_the_truth_wears_what_the_reference_wears(perfect):
    swaps = perfect["swaps"]
    assert swaps["psnr_given"]["mean"] == pytest.approx(100)
    for part in ("shirt", "trousers"):
        found = means(swaps["parts"][part])
        assert found["error"] == pytest.approx(found["error_truth"], abs=1e-4)
        assert found["error"] < 8 < APART < found["error_other"]
        assert found["nearer"] == 1


def test_copies_of_the_reference_score_as_that_baseline(copied):
    for ours, baseline in (
        (copied["pairs"]["generated"], copied["pairs"]["baselines"]["copy"]),
        (copied["clips"]["generated"], copied["clips"]["frozen"]),
    ):
        assert means(ours) == pytest.approx(means(baseline), abs=1e-4)  # float32 of uint8
    gain = copied["pairs"]["gain"]["psnr"]
    assert gain["over"] == "copy"
    assert gain["mean"] == pytest.approx(0, abs=1e-4)


def test_other_splits_have_other_figures_and_are_scored_alike(pairs):
    validation = Pairs.draw(replace(PROTOCOL, split="validation"))
    shown = {frame.tobytes() for frame in pairs.references}
    assert not shown & {frame.tobytes() for frame in validation.references}
    scores = score_pairs(validation, validation.animate(copy))
    assert means(scores) == pytest.approx(
        means(score_pairs(validation, validation.references)), abs=1e-4
    )


def test_one_who_dresses_the_pose_in_its_own_clothes_is_found_out(pairs):
    own = {pose.tobytes(): truth for pose, truth in zip(pairs.poses, pairs.truths, strict=True)}

    def animate(references, poses, seeds, reference_poses):
        known = [own.get(pose[0].tobytes(), pose[0]) for pose in poses]
        return np.repeat(np.stack(known)[:, None] / np.float32(255), poses.shape[1], axis=1)

    swaps = evaluate(animate, PROTOCOL, progress=False).scores["swaps"]
    assert swaps["psnr_other"]["mean"] == pytest.approx(100)
    for part in ("shirt", "trousers"):
        assert swaps["parts"][part]["nearer"]["mean"] < 0.1


def test_one_who_shows_another_moment_is_found_out(pairs):
    poses = means(score_poses(pairs, pairs.wrong_truths / 255))
    assert poses["psnr_gain"] < -60
    assert poses["pose_error"] == poses["pose_error_wrong"]
    assert poses["iou"] < poses["iou_wrong"]


def test_the_same_protocol_asks_the_same_and_is_plain_values(oracle, perfect):
    assert evaluate(oracle, PROTOCOL, progress=False).scores == perfect
    assert json.loads(json.dumps(perfect)) == perfect


def test_partners_wear_other_shirts_and_trousers(pairs, swaps):
    for scene, partner in zip(pairs.scenes, swaps.partners, strict=True):
        own, other = scene.character, pairs.scenes[partner].character
        for part in ("shirt", "trousers"):
            apart = np.subtract(getattr(own, part), getattr(other, part), dtype=float)
            assert np.abs(apart).mean() >= APART


def test_a_partner_that_cannot_be_found_is_an_error(pairs):
    alone = replace(pairs, scenes=pairs.scenes[:1])
    with pytest.raises(UserError, match="has no partner among 1"):
        Swaps.draw(alone)


def test_a_moved_picture_is_as_far_off_as_it_was_moved(pairs):
    middle = np.full((1, 3, 2), 16.0)
    truth = pairs.truths[:1]
    moved = np.roll(truth, (2, 1), axis=(1, 2)) / 255
    assert joint_errors(moved, truth, middle) == pytest.approx([5**0.5])


def test_figures_are_found_by_their_difference_from_the_room():
    room = np.full((1, 4, 4, 3), 100, np.uint8)
    frame = room / 255
    frame[0, :2, 0] = 0.0
    figure = find_figures(frame, room)
    assert figure.sum() == 2
    assert overlaps(figure, figure).tolist() == [1]
    assert overlaps(figure, ~figure).tolist() == [0]


def test_a_part_is_measured_without_its_rim():
    parts = np.zeros((1, 5, 5), np.uint8)
    parts[0, 1:4, 1:4] = 4  # shirt
    assert np.argwhere(part_masks(parts, "shirt")[0]).tolist() == [[2, 2]]


def test_animations_are_asked_for_in_batches():
    sizes = []

    def animate(references, poses, seeds, reference_poses):
        sizes.append((len(references), len(poses), len(seeds)))
        return copy(references, poses, seeds, reference_poses)

    frames = np.zeros((40, 8, 8, 3), np.uint8)
    poses = np.zeros((40, 4, 8, 8, 3), np.uint8)
    result = animate_all(animate, frames, poses, list(range(40)), frames, progress=None)
    assert result.shape == (40, 4, 8, 8, 3) and result.dtype == np.float32
    assert sizes == [(16, 16, 16), (16, 16, 16), (8, 8, 8)]


def test_a_model_that_wants_it_is_given_the_pose_of_each_reference(tiny_model, pairs, swaps):
    model = tiny_model(reference_pose=True)
    conditions, seen = model.conditions, []

    def record(image_embeds, *given):
        seen.append(np.round(255 * given[1].numpy()[0].transpose(1, 2, 0)))
        return conditions(image_embeds, *given)

    model.conditions = record
    animate = animator(model, InferenceConfig(num_inference_steps=1, guidance_scale=1.0))
    for test, figures in ((pairs, range(12)), (swaps, swaps.partners)):
        seen.clear()
        test.animate(animate)
        expected = [pairs.scenes[n].poses([0])[0] for n in figures]
        np.testing.assert_array_equal(seen, expected)


def test_an_animation_of_another_shape_is_refused():
    frames, poses = np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 1, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="animate gave frames"):
        animate_all(lambda *given: given[0], frames, poses, [0, 1], frames, progress=None)


def test_a_score_is_over_the_figures_that_have_one():
    assert score([1.0, float("nan"), 1.0]) == {"mean": 1, "interval_95": [1, 1], "count": 2}
    assert score([2.0]) == {"mean": 2, "interval_95": None, "count": 1}
    assert score([float("nan")]) == {"mean": None, "interval_95": None, "count": 0}
