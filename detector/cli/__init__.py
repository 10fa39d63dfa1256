"""The command line: one file of this folder is one command (or group), named like its file, called `command` in it.

`detector --help` imports none of them: it reads the first line of each file's docstring. stdout is data, stderr is
talk. Exit codes: 0 ok, 1 findings (only where asked for), 2 usage, 3 settings, 4 expectation failed, 5 infrastructure,
70 a defect of ours, 130 interrupted; errors carry theirs (`DetectorError.exit_code`) and this is where it is read.
"""

from __future__ import annotations

import ast
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from detector import __version__
from detector.cli.terminal import visible
from detector.errors import DetectorError, InternalError

_FOLDER: Final = Path(__file__).parent

OK: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
EXPECTATION: Final = 4
INTERNAL: Final = 70
INTERRUPTED: Final = 130


class CommandFolder(click.Group):
    """A group whose commands are the files of a folder; a file is imported when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of the commands, sorted."""
        return sorted(_summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of the file `cmd_name`; None when there is no such file."""
        if cmd_name not in _summaries():
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        command = getattr(module, "command", None)
        if not isinstance(command, click.Command):
            raise InternalError(f"{module.__name__}: expected a click command called `command`, found {command!r}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The list of commands in `--help`, without importing them."""
        if commands := sorted(_summaries().items()):
            with formatter.section("Commands"):
                formatter.write_dl(commands)


def _summaries() -> dict[str, str]:
    """Command → first line of its file's docstring, for every file that binds `command`."""
    found = {}
    for path in sorted(_FOLDER.glob("[a-z]*.py")):
        tree = ast.parse(path.read_bytes())
        if any(_binds_command(statement) for statement in tree.body):
            summary = (ast.get_docstring(tree) or "").partition("\n")[0]
            found[path.stem.replace("_", "-")] = summary.rstrip(".")
    return found


def _binds_command(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(name="command") | ast.Assign(targets=[ast.Name(id="command")]):
            return True
        case ast.AnnAssign(target=ast.Name(id="command")):
            return True
    return False


@click.group(
    cls=CommandFolder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `detector demo`; then `detector scan PATH` on your own CloudTrail.",
)
@click.version_option(__version__, prog_name="detector", message="%(prog)s %(version)s")
def root() -> None:
    """Sees stolen machine credentials while they are used."""


def main() -> None:
    """Entry point of the `detector` command: runs it and exits."""
    # Rows become columns by the thousand and hold no cycles: looking for some every 700 objects costs a tenth.
    gc.set_threshold(50_000, 20, 50)
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. A `DetectorError` is one clear message, never a traceback."""
    try:
        result = root.main(args=list(arguments), prog_name="detector", standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - the rim: what nobody caught is a defect, and is reported as one
        return _exit_code(error)
    except KeyboardInterrupt:
        return _exit_code(click.Abort())
    except SystemExit:
        return OK  # click's answer to a reader of our output that left (`| head`): nothing is wrong
    return result if isinstance(result, int) else OK


def _exit_code(error: Exception) -> int:
    """Say what went wrong, and the exit code for it."""
    match error:
        case click.ClickException():
            error.show()
            return USAGE
        case click.Abort():
            _say("interrupted")
            return INTERRUPTED
        case BrokenPipeError():
            # As above, seen at the last flush; nothing more can be said on stdout, not even by the interpreter's exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return OK
        case DetectorError() if error.exit_code != INTERNAL:
            _say("\n".join(visible(line) for line in str(error).splitlines()))
            return error.exit_code
    return _defect(error)


def _defect(error: Exception) -> int:
    _say(f"this is a defect of the detector: {type(error).__name__}: {visible(str(error))}")
    if os.environ.get("DETECTOR_DEBUG") == "1":
        traceback.print_exception(error, file=sys.stderr)
    else:
        _say("set DETECTOR_DEBUG=1 to see where, and please report it with that output")
    return INTERNAL


def _say(message: str) -> None:
    click.echo(f"detector: {message}", err=True)
