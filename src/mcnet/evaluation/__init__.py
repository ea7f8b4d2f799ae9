"""Scores, baselines, statistics and trials of correctors and of reconstruction."""
