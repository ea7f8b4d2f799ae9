"""Head motion and what a scanner records of it."""
