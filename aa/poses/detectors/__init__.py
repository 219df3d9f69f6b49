"""Detectors of people: from one picture to the 128 points of everybody in it."""
