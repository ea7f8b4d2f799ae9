"""Rigid poses and motion over time: conventions, statistics, generators."""
