"""How long does the figure of the page's first screen take from a pose to a picture?

    python benchmarks/figure.py

Asks the process that animates the example as the page does, over its pipe, for the poses of a
motion: the median and the 95th percentile of milliseconds, for each number of steps.
"""

import time

import numpy as np

from aa.app.figure import STEPS, Figure
from aa.puppets.figure import draw_character, draw_motion, keypoints

POSES = 60


def main():
    character, motion = draw_character(3), draw_motion(11)
    poses = [
        (keypoints(character, motion, number / 8, height=1000, width=1000) + 0.5) / 1000
        for number in range(POSES)
    ]
    figure = Figure()
    begun = time.perf_counter()
    figure.animate(poses[0].tolist(), STEPS[0])
    print(f"the first picture, with the start of the process: {time.perf_counter() - begun:.1f} s")
    for steps in STEPS:
        times = []
        for pose in poses:
            begun = time.perf_counter()
            figure.animate(pose.tolist(), steps)
            times.append(1000 * (time.perf_counter() - begun))
        middle, late = np.percentile(times[1:], [50, 95])
        print(f"{steps} step{'s' * (steps > 1)}: median {middle:.0f} ms, 95 % within {late:.0f} ms")
    figure.end()


if __name__ == "__main__":
    main()
