"""Files of motion parameters of other programs."""
