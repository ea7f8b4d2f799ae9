"""Rigid poses and motion over time: THE conventions of axes, signs and units."""
