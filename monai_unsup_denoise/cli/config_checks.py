"""What MONAI's bundle command leaves unchecked: mistyped keys, tracebacks, the config that is really executed."""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle import run as bundle_run
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_unsup_denoise.cli.shareable_config import shareable_config
from monai_unsup_denoise.errors import InputError, find_input_error


class BundleCommandLine:
    """The command line of ``python -m monai.bundle run``, checked.

    MONAI takes an override whose top-level key no config has for a new key, in silence; here it is an error. Started in
    another way (from Python, by a server) there is no such command line, and nothing is checked.

    Constructing it also makes user mistakes end in one line instead of a traceback.

    Args:
        arguments: the command line; by default that of this process.

    Raises:
        InputError: naming the unknown key and the one that was probably meant.
    """

    def __init__(self, arguments: Sequence[str] | None = None) -> None:
        arguments = sys.argv if arguments is None else arguments
        self.overrides: dict[str, Any] = {}
        self.config_files: list[str] = []
        sys.excepthook = one_line_for_user_mistakes
        if "monai" not in Path(arguments[0]).parts or "run" not in arguments:
            return
        options = _options(arguments)
        own = set(inspect.signature(bundle_run).parameters) - {"override"}
        files = options.get("config_file", [])
        self.config_files = [str(file) for file in ([files] if isinstance(files, str) else files)]
        self.overrides = {key: value for key, value in options.items() if key not in own}
        if self.config_files:  # else they are named in an --args_file
            self._check()

    def save_config(self, path: str) -> str | None:
        """Write the executed config, files and overrides merged, and return where; None without a command line."""
        config = self._executed_config()
        if config is None:
            return None
        os.makedirs(Path(path).parent, exist_ok=True)
        ConfigParser.export_config_file(config, path, indent=2)
        return path

    def shareable_config(self) -> dict[str, Any] | None:
        """The executed config without paths and other texts of the user's; None without a command line."""
        config = self._executed_config()
        return None if config is None else shareable_config(config)

    def _executed_config(self) -> dict[str, Any] | None:
        if not self.config_files:
            return None
        parser = ConfigParser()
        parser.read_config(self.config_files)
        for key, value in self.overrides.items():
            parser[key.lstrip("+")] = value
        return parser.get()

    def _check(self) -> None:
        known = {key.lstrip("+") for key in ConfigParser.load_config_files(self.config_files)}
        known |= set(DEFAULT_MLFLOW_SETTINGS["configs"])  # what `--tracking mlflow` reads
        for key in self.overrides:
            top = key.lstrip("+").replace("::", "#").split("#")[0]
            if top not in known:
                close = difflib.get_close_matches(top, known, n=1)
                hint = f"did you mean --{close[0]}?" if close else "see the ids in the config file"
                raise InputError(f"--{key}: no such key in {', '.join(self.config_files)}; {hint}")


def one_line_for_user_mistakes(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A ``sys.excepthook`` that prints an :class:`InputError` as one line, anything else with its traceback."""
    mistake = find_input_error(error)
    if mistake is None:
        sys.__excepthook__(kind, error, trace)
    else:
        print(f"error: {mistake}", file=sys.stderr)


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """``--key value`` and ``--key=value`` pairs, values as MONAI gets them: Python literals where they are such."""
    options: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            continue
        key, equals, value = word[2:].partition("=")
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else "True"
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return options
