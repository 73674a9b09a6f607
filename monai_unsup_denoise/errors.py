"""The error of a user's mistake, as opposed to a defect of the program."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave is wrong: one line naming the file or key, what is wrong, and what to do.

    Command lines print it without a traceback.
    """


def find_input_error(error: BaseException | None) -> InputError | None:
    """The :class:`InputError` behind ``error``, which MONAI may have wrapped several times; None if there is none."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__ or error.__context__
    return None
