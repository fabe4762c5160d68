"""The one error that data at the door may raise."""


class InputError(ValueError):
    """Input that cannot be used; the message names the file, the field, the value and what was expected."""
