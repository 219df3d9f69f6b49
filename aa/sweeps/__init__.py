"""Sweeps: jobs started, stopped and waited for."""
