"""Images from raw k-space of moving heads."""
