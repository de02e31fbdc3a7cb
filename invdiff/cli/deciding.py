"""The part of a command that decides its numbers."""

import shlex

import typer

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
        source = context.get_parameter_source(name)
        if name in _DECIDES_NOTHING or source is None or source.name != "COMMANDLINE":
            continue
        if parameter.param_type_name == "argument":
            words.append("INPUT")
        elif isinstance(value, bool):
            words += (parameter.opts if value else parameter.secondary_opts)[:1]
        else:
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [parameter.opts[0], str(one)]
    return shlex.join(words)
