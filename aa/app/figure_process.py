"""The process behind `aa.app.figure`: a pose a line in, a picture a line out."""

import base64
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aa.app.figure import SIZE
from aa.config.hardware import HardwareConfig
from aa.data.pictures import read_image
from aa.demo.example import REFERENCE
from aa.machine import prepare_paddle
from aa.puppets.drawing import render_pose


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no answer
    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.inference import Pose2VideoPipeline  # deferred: pulls in paddle

    weights = Path(sys.argv[1])
    pipeline = Pose2VideoPipeline.from_pretrained(weights, engine="compiled")
    reference = read_image(weights / REFERENCE)
    for line in sys.stdin:  # they end with the server
        answers.write(json.dumps(_answer(pipeline, reference, json.loads(line))).encode() + b"\n")


def _answer(pipeline: Any, reference: Image.Image, question: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    points = np.array(question["points"], np.float64) * SIZE - 0.5  # whole numbers: middles
    pose = render_pose(points, height=SIZE, width=SIZE)
    video = pipeline(
        reference,
        [pose],
        height=SIZE,
        width=SIZE,
        num_inference_steps=question["steps"],
        guidance_scale=1.0,
    ).videos
    pixels = np.round(video[0, :, 0].transpose(1, 2, 0) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    return {"png": png, "ms": round(1000 * (time.perf_counter() - start), 1)}


if __name__ == "__main__":
    main()
