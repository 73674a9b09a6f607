"""The directive ``{command-help}``: the help of every command of ``mri-denoise``."""

import typer
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from monai_unsup_denoise.cli import app as commands

_WIDTH = 88


class CommandHelp(Directive):
    """A section for each command, with what its ``--help`` prints."""

    def run(self) -> list[nodes.Node]:
        group = typer.main.get_command(commands)
        return [_section(f"mri-denoise {name}", command) for name, command in sorted(group.commands.items())]


def _section(title: str, command: typer.core.TyperCommand) -> nodes.section:
    context = command.make_context(title, [], resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH)
    section = nodes.section(ids=[nodes.make_id(title)], names=[nodes.fully_normalize_name(title)])
    section += nodes.title("", "", nodes.literal("", title))
    section += nodes.literal_block("", command.get_help(context), language="text")
    return section


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
