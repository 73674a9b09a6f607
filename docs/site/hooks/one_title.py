"""One title per page: of a page with several, such as the model card, the later ones go one level down."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class OneTitle(SphinxTransform):
    """Moves the second and later top sections into the first, and their sections beside them."""

    default_priority = 5

    def apply(self, **kwargs: object) -> None:
        first, *others = [node for node in self.document.children if isinstance(node, nodes.section)] or [None]
        for section in others:
            self.document.remove(section)
            inner = [node for node in section.children if isinstance(node, nodes.section)]
            for node in inner:
                section.remove(node)
            first.extend([section, *inner])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(OneTitle)
    return {"parallel_read_safe": True}
