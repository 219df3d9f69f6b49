"""Threads, GPUs and their memory."""

import os
from pathlib import Path

import pytest

from aa import machine
from aa.config.hardware import HardwareConfig
from aa.errors import UserError


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    alone = machine.thread_settings(HardwareConfig(device="cpu"))
    shared = machine.thread_settings(HardwareConfig(device="cpu", devices=4))
    chosen = machine.thread_settings(HardwareConfig(device="cpu", num_threads=3))
    assert [s["OMP_NUM_THREADS"] for s in (alone, shared, chosen)] == ["8", "2", "3"]


def test_transposes_on_a_cpu_are_no_views():
    machine.prepare_paddle(HardwareConfig(device="cpu"))
    import paddle

    assert paddle.ones([2, 3]).transpose([1, 0]).is_contiguous()


def test_more_devices_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(machine, "count_gpus", lambda: 2)
    machine.check_device(HardwareConfig(device="gpu", devices=2))
    with pytest.raises(UserError, match=r"hardware.devices=4: this machine shows 2 GPUs; use "):
        machine.check_device(HardwareConfig(device="gpu", devices=4))


def test_hidden_gpus_do_not_count(monkeypatch):
    cards = [Path("/dev/nvidia0"), Path("/dev/nvidia1"), Path("/dev/nvidiactl")]
    monkeypatch.setattr(Path, "glob", lambda self, pattern: cards)
    counts = []
    for visible in ("all", "0,1", "1", "", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        counts.append(machine.count_gpus())
    assert counts == [2, 2, 1, 0, 0]
