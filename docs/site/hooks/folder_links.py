"""Links to folders of the repository become plain text: the site has pages and files, but no lists of files."""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class FolderLinks(SphinxTransform):
    """Replaces each reference whose target is a folder by its text, with a word on where the folder is."""

    default_priority = 10

    def apply(self, **kwargs: object) -> None:
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = link.get("reftarget", "")
            if link.get("reftype") != "myst" or not target or target.startswith("#"):
                continue
            _, path = self.env.relfn2path(target, self.env.docname)
            page = f"{target.partition('#')[0].removesuffix('.md')}.md"
            if Path(path).is_dir() and not Path(self.env.relfn2path(page, self.env.docname)[1]).is_file():
                where = Path(path).relative_to(self.env.srcdir).as_posix()
                link.replace_self(nodes.inline("", "", *link.children, nodes.Text(f" (folder {where})")))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(FolderLinks)
    return {"parallel_read_safe": True}
