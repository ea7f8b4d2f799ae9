"""A fresh Python in which nothing of mcnet is loaded, and modules may be absent."""

import json
import os
import subprocess
import sys

from mcnet.core.extras import EXTRAS

_BEGINNING = """
import json, sys

class Without:
    # a finder of modules that does not find some
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        absent = name.partition(".")[0] in ABSENT
        return None if absent else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)

ABSENT, COMMANDS = json.loads(sys.argv[1])
if ABSENT:
    sys.meta_path[:] = map(Without, sys.meta_path)
from mcnet.cli.main import main

ended = []
for command in COMMANDS:
    try:
        main(command)
    except SystemExit as error:
        ended.append([error.code, sorted({name.partition(".")[0] for name in sys.modules})])
    else:
        ended.append([0, sorted({name.partition(".")[0] for name in sys.modules})])
    print("|", file=sys.stderr)
print("ENDED", json.dumps(ended))
"""


def in_a_fresh_process(*commands, absent=(), environment=None, folder=None):
    """Of each command, run one after another: exit status, what it told, and modules loaded since.

    Parameters
    ----------
    commands
        Each as a list of arguments.
    absent
        Extras whose modules are not to be found; but joblib, which nilearn, always there, needs.
    environment
        Variables in place of those of this process.
    folder
        Where the commands run.
    """
    modules = sorted({module for extra in absent for module in EXTRAS[extra]})
    given = json.dumps([modules, [[str(part) for part in command] for command in commands]])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _BEGINNING, given],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )
    out, err = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    assert "ENDED" in out, err
    printed, _, ended = out.rpartition("ENDED ")
    told = err.split("|\n")
    return [
        (status, sentence, set(modules), printed)
        for (status, modules), sentence in zip(json.loads(ended), told, strict=False)
    ]
