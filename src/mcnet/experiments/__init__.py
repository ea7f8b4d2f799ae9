"""Experiments as data: gather, simulate, train, evaluate, report; each step resumes."""
