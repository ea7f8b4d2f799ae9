"""Experiments as data: gathering, training, evaluation, step by step."""
