"""The pages' templates, with everything escaped that is put into them."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def page_template(name: str, *, package: str = "report") -> Template:
    """Template of a page, by the name of its file in a package of mcnet's."""
    environment = Environment(
        loader=PackageLoader("mcnet", package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
