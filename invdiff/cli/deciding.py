"""The part of a command that decides its numbers."""

import shlex

import typer

from invdiff.cli.run_file import is_given

_DECIDES_NOTHING = {
    "out", "save", "template", "report", "baseline", "force", "threads", "workers", "scheduler", "shard",
    "memory_limit", "dry_run", "print_config", "as_json", "quiet",
}  # fmt: skip
"""Parameters that say where results go, who computes them and who is told."""


def deciding_command(context: typer.Context) -> str:
    """The command as it was given, without what decides none of its numbers, and with the word INPUT for all files."""
    words = ["invdiff", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params[name]
        if name in _DECIDES_NOTHING or not is_given(context, name):
            continue
        if parameter.param_type_name == "argument":
            words.append("INPUT")
        elif isinstance(value, bool):
            words += (parameter.opts if value else parameter.secondary_opts)[:1]
        else:
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [parameter.opts[0], str(one)]
    return shlex.join(words)
