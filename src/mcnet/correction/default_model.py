"""Name of the model that corrects where no other is asked for.

Alone here, since commands name it before anything that takes long is imported.
"""

DEFAULT_MODEL: str = "t1w-1mm"
