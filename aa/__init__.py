"""Animate Anyone (arXiv 2311.17117) on PaddlePaddle: train and run it from small configs."""

__version__ = "0.1.0"
