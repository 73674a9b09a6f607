"""Run the bundle as `python -m monai.bundle run` does, for the commands `train` and `evaluate`."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.credentials import keep_credentials
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.literal import literal

#: Typer's settings for a command that hands the options it does not know to the bundle.
PASSES_OPTIONS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

#: Ids of the configs that hold a path or an address.
PATHS = {
    *("bundle_root", "dataset_dir", "noisy_dir", "clean_dir", "test_dir", "output_dir", "ckpt_dir", "images_dir"),
    *("report_dir", "model_path", "pretrained", "start_from", "resume", "tracking_uri"),
}


def config_files(names: Sequence[str]) -> list[str]:
    """Paths of the bundle's ``train.json`` and of the configs laid over it, each after those that its ``base`` names.

    Raises:
        InputError: for a config that is neither a file nor in the bundle.
    """
    from monai.bundle import ConfigParser  # here: it takes seconds, and `--help` needs none of it

    configs = bundle_folder() / "configs"
    found: list[str] = []

    def add(name: str) -> None:
        path = next((path for path in (Path(name), configs / name) if path.is_file()), None)
        if path is None:
            known = ", ".join(sorted(path.name for kind in ("train_*", "weights_*") for path in configs.glob(kind)))
            raise InputError(f"{name}: no such config; give the path of one, or one of the bundle's: {known}")
        for base in ConfigParser.load_config_file(path).get("base", []):
            add(base)
        if str(path.absolute()) not in found:
            found.append(str(path.absolute()))

    for name in (str(configs / "train.json"), *names):
        add(name)
    return found


def bundle_command(run_id: str, configs: Sequence[str], settings: Mapping[str, Any], extra: Sequence[str]) -> list[str]:
    """Words of MONAI's command that runs the bundle with ``settings`` (None: as in the config), then ``extra``.

    Values of `PATHS` are taken as they are: MONAI would run or replace parts of some. Credentials of ``tracking_uri``
    are moved to the environment, since MONAI logs its command.

    Raises:
        InputError: for a word in ``extra`` that is no override.
    """
    words = ["run", run_id, "--config_file", configs[0] if len(configs) == 1 else repr(list(configs))]
    given = {"bundle_root": bundle_folder(), **settings}
    pairs = [(key, value.absolute() if isinstance(value, Path) else value) for key, value in given.items()]
    for key, value in (*((key, str(value)) for key, value in pairs if value is not None), *_overrides(extra)):
        if value is None:
            words.append(f"--{key}")
            continue
        name = re.split("#|::", key)[-1].replace("-", "_")
        if name == "tracking_uri":
            value = keep_credentials(value)
        words.append(f"--{key}={literal(value) if name in PATHS else value}")
    return words


def run_bundle(command: Sequence[str]) -> None:
    """Run the words of `bundle_command`.

    Not in a process of its own, which would import from the current folder, and outlive this one if that is killed.

    Raises:
        InputError: for a mistake of the user's, or a disk that refuses.
    """
    import fire  # type: ignore[import-untyped]
    import monai.bundle

    from monai_unsup_denoise.cli.config_checks import find_mistake

    before = sys.argv
    sys.argv = [str(Path(monai.bundle.__file__).with_name("__main__.py")), *command]  # which config_checks reads
    try:
        fire.Fire({"run": monai.bundle.run}, command=list(command))
    except Exception as error:
        mistake = find_mistake(error)
        if mistake is None:
            raise
        raise mistake from None
    finally:
        sys.argv = before


def _overrides(extra: Sequence[str]) -> list[tuple[str, str | None]]:
    """Keys and values of ``key=value``, ``--key=value`` and ``--key value``; None for a switch, a key without value."""
    pairs: list[tuple[str, str | None]] = []
    words = list(extra)
    while words:
        word = words.pop(0)
        key, equals, value = word.removeprefix("--").partition("=")
        if not key or key.startswith("-") or not (equals or word.startswith("--")):
            raise InputError(f"{word!r}: not an override; give key=value or --key value")
        if equals:
            pairs.append((key, value))
        else:
            is_switch = not words or words[0].startswith("--")
            pairs.append((key, None if is_switch else words.pop(0)))
    return pairs
