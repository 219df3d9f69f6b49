"""The names in the example's folder: weights that the code carries, a picture, poses, the truth."""

from pathlib import Path

EXAMPLE = Path("examples/puppet")  # in a checkout
REFERENCE, POSE, TRUTH = "reference.png", "pose.mp4", "truth.mp4"
CHECKSUMS, SCORES = "SHA256SUMS", "scores.json"
