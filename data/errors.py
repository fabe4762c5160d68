"""The one exception for input that a user can mend."""


class InputError(ValueError):
    """Bad input from outside (config, CSV, checkpoint, argument).

    The message is one line that names the file or object, the field, the value and what was expected; the command
    line prints it and ends with exit code 2.
    """
