"""Pages from the templates of this package."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """The page; all values are escaped."""
    pages = Environment(
        loader=PackageLoader("monai_unsup_denoise.scan_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(template).render(values)
