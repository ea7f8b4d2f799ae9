"""Blinded reader studies: images, server, readings, statistics."""
