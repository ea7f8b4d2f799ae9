"""Images from the raw k-space of a moving head, with its motion known or estimated."""
