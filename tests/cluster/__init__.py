"""Tests on several hosts and under Slurm, made of one machine: see `hosts.py` and `slurm.py`."""
