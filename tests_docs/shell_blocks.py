"""The commands that a Markdown page shows: in blocks of ``bash`` and in code within a sentence."""

import re
import shlex
from collections.abc import Iterator

_BLOCK = re.compile(r"^[ \t]*```(?:bash|sh|console)\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_ANY_BLOCK = re.compile(r"^[ \t]*```.*?^[ \t]*```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")
_ENDS = {"|", "||", "&&", ";", "&", "(", ")", ">", "2>", "<"}
#: `mri-denoise` is the name of the container image after these, not the command.
_ENGINES = {"docker", "podman", "apptainer", "singularity"}


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
    starts = [number for number, word in enumerate(words) if word.rsplit("/", 1)[-1] == program]
    if _ENGINES & set(words[: starts[0]] if starts else ()):
        return
    for start in starts:
        rest = words[start + 1 :]
        yield rest[: next((number for number, word in enumerate(rest) if word in _ENDS), len(rest))]
