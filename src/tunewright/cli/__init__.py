"""The command line: one file per verb, `main` around them.

A verb returns an `Answer` and prints nothing to standard output itself, so that `--json` can promise exactly one JSON
object there, whatever a library below prints. Heavy libraries load inside the verbs: `tunewright --help` needs none.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout

import typer

from tunewright.cli import (
    adapt,
    audit,
    bench,
    compare,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    keep,
    plan,
    predict,
    registry,
    report,
    run,
    serve,
    studio,
    tune,
    watch,
)
from tunewright.cli.answer import Answer, print_answer, print_error
from tunewright.cli.machine import use_physical_cores
from tunewright.cli.ranks import follow_leader, follows
from tunewright.cli.signals import Stopped
from tunewright.errors import RunError, TunewrightError
from tunewright.training.parallel.launch import leading
from tunewright.training.parallel.lost import Lost

__all__ = ["app", "main"]

app = typer.Typer(
    name="tunewright",
    help="Fine-tune a pretrained model on a table of examples, and learn how good it is, against what, and why.",
    epilog="New here? `tunewright demo` runs on data that ships with the package.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help starts in a third of the time that drawn boxes take
    pretty_exceptions_enable=False,
)
VERBS = (
    ("run", run.verb),
    ("demo", demo.verb),
    ("plan", plan.verb),
    ("audit", audit.verb),
    ("tune", tune.verb),
    ("evaluate", evaluate.verb),
    ("explain", explain.verb),
    ("compare", compare.verb),
    ("predict", predict.verb),
    ("export", export.verb),
    ("serve", serve.verb),
    ("bench", bench.verb),
    ("watch", watch.verb),
    ("adapt", adapt.verb),
    ("keep", keep.verb),
    ("report", report.verb),
    ("studio", studio.verb),
    ("doctor", doctor.verb),
)
for _name, _verb in VERBS:
    app.command(_name)(_verb)
app.add_typer(registry.group, name="registry")


@app.callback(invoke_without_command=True)
def _start(version: bool = typer.Option(False, "--version", metavar="", help="Print the version.")) -> Answer | None:
    if version:
        from tunewright.version import __version__

        return Answer(value={"version": __version__}, text=__version__)
    return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: what stands behind `tunewright`; by default what this process was started with.
    """
    sys.exit(_execute(list(sys.argv[1:] if arguments is None else arguments)))


def _execute(arguments: list[str]) -> int:
    # Looked for by hand, because what goes wrong while the arguments are parsed must be JSON as well.
    as_json = "--json" in arguments
    use_physical_cores()
    if follows():
        return follow_leader()
    try:
        with leading():  # to the end: a process that has been told to leave may have this one killed
            return _speak(arguments, as_json=as_json)
    except RunError as problem:
        return print_error("RunError", str(problem), code=problem.exit_code, as_json=as_json)


def _speak(arguments: list[str], *, as_json: bool) -> int:
    """Do what the arguments say, and print the answer or what went wrong."""
    try:
        with redirect_stdout(sys.stdout if _asks_for_help(arguments) else sys.stderr):
            answer = _invoke(arguments)
        return answer if isinstance(answer, int) else print_answer(answer, as_json=as_json)
    except Stopped as stop:
        return print_error("Interrupted", str(stop), code=128 + stop.signal, as_json=as_json)
    except Lost as lost:
        return print_error("RunError", str(lost), code=1, as_json=as_json)
    except TunewrightError as problem:
        return print_error(type(problem).__name__, str(problem), code=problem.exit_code, as_json=as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader left; the interpreter must not complain at exit
        return 1
    except Exception as problem:
        return _unexpected(problem, as_json=as_json)


def _asks_for_help(arguments: list[str]) -> bool:
    return not arguments or "--help" in arguments


def _invoke(arguments: list[str]) -> Answer | int:
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        answer = app(args=arguments, prog_name="tunewright", standalone_mode=False)
    return answer if isinstance(answer, Answer | int) else 0


def _unexpected(problem: Exception, *, as_json: bool) -> int:
    """A usage error of typer (which carries its own exit code), or a fault of ours."""
    if hasattr(problem, "format_message") and hasattr(problem, "exit_code"):
        if not problem.format_message():  # no verb: typer has shown the help
            return int(problem.exit_code)
        context = getattr(problem, "ctx", None)
        usage = f"{context.get_usage()}\n" if context else ""
        return print_error(
            "UsageError", problem.format_message(), code=int(problem.exit_code), as_json=as_json, before=usage
        )
    if os.environ.get("TUNEWRIGHT_DEBUG"):
        raise problem
    return print_error(type(problem).__name__, str(problem), code=1, as_json=as_json)
