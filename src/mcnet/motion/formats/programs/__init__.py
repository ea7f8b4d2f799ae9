"""The motion formats: a module here is a format, and defines ``FORMAT``."""
