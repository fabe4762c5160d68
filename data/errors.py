"""The one error of bad input."""


class InputError(ValueError):
    """Input that cannot be used: the message names the file or table, the field, the value and what was expected."""
