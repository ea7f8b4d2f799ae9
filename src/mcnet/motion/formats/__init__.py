"""Motion files: one module a program."""
