"""The command line: `mnist-app` or `python -m mnist_app`. `--help` lists the commands."""

import os
import sys
from collections.abc import Callable

import click

from mnist_app import __version__
from mnist_app.cli import reproduce, results
from mnist_app.cli.doctor.command import doctor
from mnist_app.cli.predict import predict
from mnist_app.cli.train import train
from mnist_app.common.errors import InputError
from mnist_app.common.names import printable

FAILURE, BAD_INPUT, INTERRUPTED = 1, 2, 130

StartApp = Callable[[int | None, str | None], None]  # (port, address), None if not given


def main(arguments: list[str] | None = None, start_app: StartApp | None = None) -> int:
    """Run a command, or start the app; print any error as one sentence.

    Args:
        arguments: the command-line arguments; by default those of this process.
        start_app: called if the arguments name no command.
    Returns:
        The exit code: 0, 1 for a failure, 2 for bad input, or 130 after an interruption.
    """
    try:
        code = commands.main(arguments, obj=start_app, standalone_mode=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except (click.Abort, click.ClickException, UnicodeEncodeError, InputError) as error:
        sentence, code = _refusal(error)
    except (OSError, RuntimeError, MemoryError) as error:
        sentence, code = f"Failed: {_one_line(error)}", FAILURE
    else:
        return code or 0  # click returns the code that a command exits with
    print(sentence, file=sys.stderr)  # noqa: T201
    return code


def _refusal(error: Exception) -> tuple[str, int]:
    """Return the message and the exit code for bad input or an interruption."""
    if isinstance(error, click.Abort):
        return "Interrupted.", INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message(), BAD_INPUT
    if isinstance(error, click.ClickException):
        return printable(error.format_message()), BAD_INPUT
    if isinstance(error, UnicodeEncodeError):  # in a file name, or in text to print
        letters = error.object[error.start : error.end]
        return f"{letters!a} is not text on this machine: use other characters.", BAD_INPUT
    return str(error), BAD_INPUT


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the app (default: 8501).")
@click.option(
    "--address",
    help="Address of the app (default: localhost; 0.0.0.0 lets other machines connect).",
)
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def commands(context: click.Context, port: int | None, address: str | None) -> None:
    """Draw digits, and train and save networks that recognise them.

    Without a command, this starts the app.
    """
    start_app: StartApp | None = context.obj
    if context.invoked_subcommand is None and start_app:
        start_app(port, address)
    elif context.invoked_subcommand is None:
        raise click.exceptions.NoArgsIsHelpError(context)
    elif port or address:
        raise InputError(
            "--port and --address are for the app: leave out either these options or the command."
        )


for command in (
    predict,
    train,
    results.list_results,
    results.evaluate,
    results.report,
    results.calibrate,
    reproduce.reproduce,
    reproduce.ensemble,
    doctor,
):
    commands.add_command(command)
