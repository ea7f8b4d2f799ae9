"""What every room stands on: errors, provenance, settings, outputs, the engine."""
