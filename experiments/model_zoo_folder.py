"""Write the folder of a pull request to MONAI's model zoo, and beside it the files that are too large for it.

    python -m experiments.model_zoo_folder OUT --large-files-at URL

`OUT/models/brain_mri_denoise` is for the folder `models` of the zoo; the files of `OUT/large_files` are for URL, a
public folder, from which the zoo fetches them. The bundle is the one of `mri-denoise export-bundle`.
"""

import argparse
import json
import tempfile
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.export.bundle_zip import write_bundle_zip

#: Of one file, in bytes: the zoo's pre-commit hook `check-added-large-files`. Its CONTRIBUTING allows 25 MB.
LARGEST = 1024 * 1024


def main() -> None:
    """Write the folders."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--large-files-at", required=True, metavar="URL")
    options = parser.parse_args()
    print(write_model_zoo_folder(options.output, bundle_folder(), large_files_at=options.large_files_at))


def write_model_zoo_folder(output: Path, bundle: Path, *, large_files_at: str) -> Path:
    """Write ``models/<name of the bundle>`` and ``large_files`` below ``output``; return the former.

    Raises:
        InputError: if either is there already, or as `write_bundle_zip`.
    """
    folder, large = output / "models" / bundle.name, output / "large_files"
    for place in (folder, large):
        if place.exists():
            raise InputError(f"{place}: exists; remove it or give another folder")
    with tempfile.TemporaryDirectory() as temporary:
        zipped = Path(temporary) / "bundle.zip"
        write_bundle_zip(zipped, bundle)
        with ZipFile(zipped) as archive:
            archive.extractall(folder.parent)
    for path in folder.rglob("*.json"):  # as the zoo's hook `pretty-format-json` would
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=4) + "\n", encoding="utf-8")
    large.mkdir(parents=True)
    links = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > LARGEST):
        moved = path.rename(large / path.name)
        links += [
            f'  - path: "{path.relative_to(folder).as_posix()}"',
            f'    url: "{large_files_at.rstrip("/")}/{path.name}"',
            f'    hash_val: "{sha256(moved.read_bytes()).hexdigest()}"',
            '    hash_type: "sha256"',
        ]
    (folder / "large_files.yml").write_text("\n".join(["large_files:", *links, ""]), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
