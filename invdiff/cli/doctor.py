"""``invdiff doctor``: what is installed, where it would compute, and whether a prior and a file can be read."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.options import AsJson, OperatorName, PriorConfigName
from invdiff.cli.output import WRONG, Output
from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.reconstruction import Input


def doctor(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Look whether it can be read, and tell what it says.")
    ] = None,
    operator: OperatorName = "sense",
    prior: Annotated[str, typer.Option(help="Look where it is, and whether it loads.")] = "builtin",
    prior_config: PriorConfigName = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is installed, where it would compute, whether a prior loads, and what a file says of itself.

    Exit status: 0; 1 where something that is needed is missing, or the prior or the file can't be read; 2 for what
    can't be done, in a sentence.
    """
    import platform
    from importlib.metadata import version

    import torch

    from invdiff.cli.installed import needed

    output = Output(as_json)
    packages = list(needed())
    told: dict[str, Any] = {
        "command": "doctor",
        "invdiff": version("invdiff"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "devices": _devices(),
        "threads": torch.get_num_threads(),
        "packages": [{**asdict(one), "remedy": one.remedy} for one in packages],
        "prior": _prior(prior, prior_config),
        "measurements": [] if file is None else _measurements(file, operator),
    }
    wrong = any(not one.suits and not one.extra for one in packages)
    wrong = wrong or any(said["reason"] for said in (told["prior"], *told["measurements"]))
    code = WRONG if wrong else 0
    _show(told, output)
    output.finish({**told, "exit_status": code})
    if code:
        raise typer.Exit(code)


def _devices() -> list[dict[str, Any]]:
    """Where it can compute, and in what precision a network does there by default."""
    import torch

    from invdiff.priors.precision import choose_precision

    found = [("cpu", f"{torch.backends.cpu.get_cpu_capability()}")]
    found += [(f"cuda:{k}", torch.cuda.get_device_name(k)) for k in range(torch.cuda.device_count())]
    found += [("mps", "Apple")] if torch.backends.mps.is_available() else []
    return [
        {"device": name, "what": what, "precision": choose_precision("auto", torch.device(name))}
        for name, what in found
    ]


def _prior(name: str, config: str | None) -> dict[str, Any]:
    """Where a prior is, what it takes, and why it does not load."""
    from importlib import resources

    from invdiff.priors import load_prior
    from invdiff.priors.checkpoints.checkpoint import SHIPPED

    shipped = resources.files("invdiff.priors") / f"{name}.safetensors"
    said: dict[str, Any] = {"name": name, "where": str(shipped if name in SHIPPED else name), "reason": ""}
    try:
        prior = load_prior(name, config=config)
    except InputError as error:
        return {**said, "reason": str(error)}
    weights = sum(tensor.numel() for tensor in prior.tensors())
    return {**said, "weights": weights, "channels": list(prior.channels), "fingerprint": prior.fingerprint()}


def _measurements(file: Path, operator: str) -> list[dict[str, Any]]:
    """What a file holds; why it can't be read, where that is so."""
    from invdiff.reconstruction import find_inputs, find_kind

    kind = find_kind(operator)
    try:
        found = find_inputs([file], kind)
    except InputError as error:
        return [{"name": str(file), "reason": str(error)}]
    return [_measurement(one) for one in found]


def _measurement(one: "Input") -> dict[str, Any]:
    import numpy as np

    from invdiff.data.scan import CoilData

    said: dict[str, Any] = {"name": one.name, "reason": ""}
    try:
        measurement = one.read()
        cases = measurement.cases()
    except InputError as error:
        return {**said, "reason": str(error)}
    measured, prepared, geometry = measurement.measured, cases.preparation, cases.geometry
    return {
        **said,
        "operator": cases.operator,
        "description": cases.description,
        "slices": cases.count,
        "shape": list(cases.sampled.shape),
        "coils": measured.coils if isinstance(measured, CoilData) else None,
        "acceleration": cases.sampled.size / np.count_nonzero(cases.sampled),
        "noise_std": cases.noise_std if prepared is None else prepared.known_noise_std,
        "has_ground_truth": measurement.has_ground_truth,
        "field_of_view": None if geometry is None else list(geometry.field_of_view),
        "recon_field_of_view": None
        if geometry is None or geometry.recon_field_of_view is None
        else list(geometry.recon_field_of_view),
        "slice_thickness": None if geometry is None else geometry.slice_thickness,
        "report": [] if prepared is None else list(prepared.report),
        "remarks": [] if prepared is None else list(prepared.warnings),
    }


def _show(told: dict[str, Any], output: Output) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    output.say(f"invdiff {told['invdiff']}, Python {told['python']} on {told['system']} ({sys.executable})")
    for device in told["devices"]:
        output.say(f"device {device['device']}: {device['what']}, networks in {device['precision']}")
    output.say(f"{told['threads']} thread(s)")
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in ("package", "for", "wanted", "installed", "to install"):
        table.add_column(heading, overflow="fold")
    for one in told["packages"]:
        table.add_row(one["name"], one["extra"] or "invdiff", one["wanted"], one["version"] or "-", one["remedy"])
    output.show(table)
    prior = told["prior"]
    if prior["reason"]:
        output.warn(f"prior {prior['name']}: {prior['reason']}")
    else:
        output.say(f"prior {prior['name']}: {prior['where']}, {prior['weights']:,} weights, loads")
    for one in told["measurements"]:
        if one["reason"]:
            output.warn(f"{one['name']}: {one['reason']}")
            continue
        for line in (one["description"], _extent(one), *one["report"]):
            output.say(line)
        for remark in one["remarks"]:
            output.warn(remark)


def _extent(one: dict[str, Any]) -> str:
    """The geometry of a measurement, in words."""
    if one["field_of_view"] is None:
        return "geometry: the file tells none"
    height, width = one["field_of_view"]
    thickness = one["slice_thickness"]
    return f"geometry: {height:g} x {width:g} mm" + (f", slices of {thickness:g} mm" if thickness else "")
