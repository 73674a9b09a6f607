"""Run `python -m monai.bundle run` in a process of its own, for the commands `train` and `evaluate`."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError

#: Typer's settings for a command that hands the options it does not know to the bundle.
PASSES_OPTIONS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

_ENDINGS = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}


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


def run_bundle(run_id: str, configs: Sequence[str], settings: Mapping[str, Any], extra: Sequence[str]) -> int:
    """Run the bundle with ``settings`` (None: as in the config), then ``extra``; return its exit code.

    Signals that end this process are passed on, and the bundle's end is waited for. The bundle is a session of its own:
    else Ctrl-C would reach it from the terminal as well.
    """
    command = [sys.executable, "-m", "monai.bundle", "run", run_id]
    command += ["--config_file", configs[0] if len(configs) == 1 else repr(list(configs))]
    for key, value in {"bundle_root": bundle_folder(), **settings}.items():
        if value is not None:
            command += [f"--{key}", str(value.absolute() if isinstance(value, Path) else value)]
    process = subprocess.Popen(command + _overrides(extra), start_new_session=True)
    before = {
        number: signal.signal(number, lambda received, _: process.send_signal(received))
        for number in _ENDINGS
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup
    }
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _overrides(extra: Sequence[str]) -> list[str]:
    """``key=value`` as ``--key=value``; ``--key value`` and ``--key=value`` as they are."""
    words: list[str] = []
    is_value = False
    for word in extra:
        key, equals, _ = word.partition("=")
        if not is_value and key and equals and not key.startswith("-"):
            word = f"--{word}"
        elif not (is_value or (key.startswith("--") and key != "--")):
            raise InputError(f"{word!r}: not an override; give key=value or --key value")
        is_value = key.startswith("--") and not equals
        words.append(word)
    return words
