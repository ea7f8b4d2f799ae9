"""What all rooms use: errors, settings, outputs, provenance, progress, cores and GPUs."""
