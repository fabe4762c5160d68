"""The command line: ``entangrid COMMAND``. Heavy imports happen inside the commands."""

from __future__ import annotations

import errno
import sys

import typer

from entangrid.data.errors import InputError
from entangrid.experiments.cli import (
    bench_command,
    circuit_command,
    compare_command,
    figure_command,
    inspect_commands,
    report_command,
    reproduce_command,
    run_command,
    status_command,
    table_command,
    tune_command,
    world_commands,
)

INTERRUPTED = 130

app = typer.Typer(
    name="entangrid",
    help="""What does a quantum policy really save in a home? Runs studies from one YAML file.

    Examples:  entangrid run quickstart  |  entangrid report runs/quickstart  |  entangrid run --help""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
run_command.add_to(app)
status_command.add_to(app)
table_command.add_to(app)
report_command.add_to(app)
compare_command.add_to(app)
figure_command.add_to(app)
inspect_commands.add_to(app)
circuit_command.add_to(app)
bench_command.add_to(app)
reproduce_command.add_to(app)
tune_command.add_to(app)
world_commands.add_to(app)


def main() -> None:
    """Console script: exit code 0, 1 (a run failed, the rest finished), 2 (bad input) or 130 (interrupted)."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        print(f"entangrid: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        print(f"entangrid: {error.filename}: {error.strerror}; expected a path that can exist", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        print("entangrid: interrupted; start the same command again to go on", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)
