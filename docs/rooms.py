"""Draws the rooms of src/mcnet and their imports into docs/architecture.md.

    python docs/rooms.py            write the drawing into the page
    python docs/rooms.py --check    end with status 1 where the page shows another one

The layers are those of the import contract in pyproject.toml; the sentences are the docstrings of
the packages; the imports are read from the code (grimp, which import-linter stands on).
"""

import ast
import sys
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- made by docs/rooms.py -->", "<!-- end -->"
PACKAGE = ROOT / "src" / "mcnet"


def layers() -> list[list[str]]:
    """Rooms of each layer of the import contract, the highest layer first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    of_layers = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    return [[room.strip() for room in layer.split("|")] for layer in of_layers]


def sentence(room: str | Path) -> str:
    """First line of the docstring of a package or module."""
    path = PACKAGE / room
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def rooms_within(room: str) -> list[Path]:
    """Packages within a package, as paths from ``src/mcnet``."""
    found = (PACKAGE / room).rglob("__init__.py")
    within = (path.parent.relative_to(PACKAGE) for path in found)
    return sorted(path for path in within if path != Path(room))


def imports() -> dict[str, set[str]]:
    """The other rooms that each room imports from."""
    graph = grimp.build_graph("mcnet")
    found: dict[str, set[str]] = {}
    for room in graph.find_children("mcnet"):
        members = {room, *graph.find_descendants(room)}
        targets = {
            imported.split(".")[1]
            for member in members
            for imported in graph.find_modules_directly_imported_by(member)
            if "." in imported
        }
        name = room.split(".")[1]
        found[name] = targets - {name}
    return found


def drawing() -> str:
    """The rooms from the top down with their sentences, and a matrix of who imports whom."""
    order = [room for layer in layers() for room in layer if not room.startswith("_")]
    listed = []
    for room in order:
        listed.append(f"{room:<20}{sentence(room)}")
        listed += [f"  {inner.name + '/':<18}{sentence(inner)}" for inner in rooms_within(room)]
    of_rooms = imports()
    numbers = {room: number for number, room in enumerate(order, start=1)}
    wide = max(map(len, order)) + 4
    heading = " " * wide + "".join(f"{number:>3}" for number in numbers.values())
    rows = [
        f"{numbers[room]:>2} {room}".ljust(wide)
        + "".join(
            "  -" if other == room else "  x" if other in of_rooms.get(room, ()) else "  ."
            for other in order
        )
        for room in order
    ]
    n_imports = sum(len(of_rooms[room]) for room in order)
    return (
        "```\n" + "\n".join(listed) + "\n```\n\n"
        f"The row imports the column: {n_imports} imports between {len(order)} rooms, all from a "
        "higher layer to a lower one, so that there is no circle.\n\n"
        "```\n" + "\n".join([heading, *rows]) + "\n```"
    )


def main() -> None:
    """Write the drawing, or compare it."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = f"{before}{BEGIN}\n{drawing()}\n{END}{after}"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8")
    elif made != page:
        sys.exit(f"{PAGE} shows other rooms than the code has; run python docs/rooms.py.")


if __name__ == "__main__":
    main()
