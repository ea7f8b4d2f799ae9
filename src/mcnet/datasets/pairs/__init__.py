"""The paper's data: stores of reference and corrupted slices."""
