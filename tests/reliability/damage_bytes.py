"""Damage to the bytes of a file, of any format. ``rng`` decides where; each returns what must become of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

#: Refused; read as if undamaged; or "either": refused, or read as the file now says by `oracle`.
Rule = Literal["refused", "read", "either"]
Damage = Callable[[np.random.Generator, Path], Rule]


def files_of(path: Path) -> list[Path]:
    """The files of a scan: itself, a header with its voxels, or a series."""
    return sorted(path.iterdir() if path.is_dir() else path.parent.iterdir())


def any_file(rng: np.random.Generator, path: Path) -> Path:
    files = [file for file in files_of(path) if file.suffix != ".mat"]  # of Analyze, which nobody needs
    return files[rng.integers(len(files))]


def cut(rng: np.random.Generator, path: Path) -> Rule:
    """Keep the start only, as after an interrupted copy."""
    file = any_file(rng, path)
    content = file.read_bytes()
    file.write_bytes(content[: rng.integers(len(content))])
    is_text = file.suffix in (".mhd", ".nhdr", ".hdr")  # the last line, or four empty bytes, may lose its end
    return "either" if is_text else "refused"


def flip_bits(rng: np.random.Generator, path: Path) -> Rule:
    """Flip one to eight bits anywhere."""
    file = any_file(rng, path)
    content = bytearray(file.read_bytes())
    for place in rng.integers(len(content), size=rng.integers(1, 9)):
        content[place] ^= 1 << rng.integers(8)
    file.write_bytes(content)
    return "either"


def change_header_bytes(rng: np.random.Generator, path: Path) -> Rule:
    """Replace one to six bytes among the first 600."""
    file = any_file(rng, path)
    content = bytearray(file.read_bytes())
    for place in rng.integers(min(600, len(content)), size=rng.integers(1, 7)):
        content[place] = rng.choice([0, 1, 0x20, 0x30, 0x39, 0x7F, 0x80, 0xFF, rng.integers(256)])
    file.write_bytes(content)
    return "either"


def insert_bytes(rng: np.random.Generator, path: Path) -> Rule:
    """Insert up to 64 bytes anywhere."""
    file = any_file(rng, path)
    content = file.read_bytes()
    place = rng.integers(len(content) + 1)
    file.write_bytes(content[:place] + rng.bytes(rng.integers(1, 65)) + content[place:])
    return "either"


def remove_bytes(rng: np.random.Generator, path: Path) -> Rule:
    """Take up to 300 bytes out of the middle."""
    file = any_file(rng, path)
    content = file.read_bytes()
    place = rng.integers(len(content))
    file.write_bytes(content[:place] + content[place + rng.integers(1, 301) :])
    return "either"


def blank_block(rng: np.random.Generator, path: Path) -> Rule:
    """Zeros in place of a block, as after a power failure."""
    file = any_file(rng, path)
    content = bytearray(file.read_bytes())
    place = rng.integers(len(content))
    size = min(len(content) - place, rng.choice([16, 128, 512, 4096]))
    content[place : place + size] = bytes(size)
    file.write_bytes(content)
    return "either"


def exchange_content(rng: np.random.Generator, path: Path) -> Rule:
    """Something else under the name: nothing, text, a page of HTML, a pointer of Git LFS, random bytes."""
    content = [
        b"",
        b"404: Not Found",
        b"<!DOCTYPE html><html><body>Sign in</body></html>\n" * 30,
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
        rng.bytes(3000),
        bytes(3000),
    ]
    any_file(rng, path).write_bytes(content[rng.integers(len(content))])
    return "refused"


def damage_gzip(rng: np.random.Generator, path: Path) -> Rule:
    """Change a member: checksum, size, header flags; or what follows it."""
    content = bytearray(path.read_bytes())
    what = rng.integers(7)
    if what == 0:
        content[-8 + rng.integers(4)] ^= 1 << rng.integers(8)  # checksum
    elif what == 1:
        content[-4 + rng.integers(4)] ^= 1 << rng.integers(8)  # size
    elif what == 2:
        content[2 + rng.integers(2)] = rng.integers(256)  # method, flags
    elif what == 3:
        content += rng.bytes(40)
    elif what == 4:
        content += content[: rng.integers(1, len(content))]  # a second member, cut
    elif what == 5:
        content[10 : 10 + rng.integers(1, 9)] = rng.bytes(8)
    else:
        content = content[:-8]
    path.write_bytes(content)
    return "refused" if what in (0, 1, 6) else "either"


def rewrite_gzip(rng: np.random.Generator, path: Path) -> Rule:
    """The same content in other members, levels and header fields: no damage."""
    content = zlib.decompress(path.read_bytes(), wbits=31)
    places = sorted({0, len(content), *rng.integers(1, len(content), size=rng.integers(0, 4)).tolist()})
    with path.open("wb") as file:
        for start, end in zip(places, places[1:], strict=False):
            encoder = zlib.compressobj(int(rng.integers(0, 10)), wbits=31)
            file.write(encoder.compress(content[start:end]) + encoder.flush())
    return "read"


DAMAGE: dict[str, Damage] = {
    "cut": cut,
    "bits flipped": flip_bits,
    "header bytes changed": change_header_bytes,
    "bytes inserted": insert_bytes,
    "bytes removed": remove_bytes,
    "block of zeros": blank_block,
    "other content": exchange_content,
}
GZIP: dict[str, Damage] = {"gzip member damaged": damage_gzip, "gzip rewritten": rewrite_gzip}
