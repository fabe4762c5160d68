"""The one error that bad input raises."""


class InputError(ValueError):
    """What the user gave cannot be used: the message names the file, field and value, and what was expected."""
