"""The commands that a Markdown page shows: in blocks of ``bash`` and in code within a sentence."""

import re
import shlex
from collections.abc import Iterator
from itertools import dropwhile, groupby

_SHELL = r"(?:bash|sh|console|\{code-cell\} python\n%%bash)"  # the last one in tutorials
_BLOCK = re.compile(rf"^[ \t]*```{_SHELL}\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_ANY_BLOCK = re.compile(r"^[ \t]*```.*?^[ \t]*```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")
_ENDS = {"|", "||", "&&", ";", "&", "(", ")", ">", "<"}
_ASSIGNMENT = re.compile(r"\w+=")


def commands(markdown: str, program: str) -> Iterator[list[str]]:
    """The words after `program`, of each call of it."""
    for block in _BLOCK.findall(markdown):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _calls(line, program)
    for code in _INLINE.findall(_ANY_BLOCK.sub("", markdown)):
        if code.split()[:1] == [program]:
            yield from _calls(" ".join(code.split()), program)


def _calls(line: str, program: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # quotes that go on in the next line
        words = line.split()
    for ends, group in groupby(words, _ENDS.__contains__):
        command = list(dropwhile(_ASSIGNMENT.match, group))
        if not ends and command and command[0].rsplit("/", 1)[-1] == program:
            yield command[1:]
