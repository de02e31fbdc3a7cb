"""``invdiff solve``: reconstruct a file, or the scan that ships with the package."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.options import (
    OPERATORS,
    Acceleration,
    CentreFraction,
    NoiseStd,
    PriorConfigName,
    PriorName,
    Undersample,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from invdiff.diffusion import Sampler
    from invdiff.reconstruction import Cases, Reconstruction


def solve(
    input_file: Annotated[
        Path | None,
        typer.Argument(metavar="INPUT", help="What was measured; without it, the brain scan that ships with invdiff."),
    ] = None,
    operator: Annotated[str, typer.Option(help=f"{', '.join(OPERATORS)}; see `invdiff operators`.")] = "sense",
    prior: PriorName = None,
    prior_config: PriorConfigName = None,
    method: Annotated[
        str | None,
        typer.Option(help="See `invdiff methods`.", show_default="the configuration's, or fast"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="YAML", help="A method and settings, as from `invdiff tune-lambda`; options win."),
    ] = None,
    samples: Annotated[int, typer.Option(help="Posterior samples for each slice.")] = 8,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("invdiff-result"),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the method; may be repeated."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Start late, from 'zero-filled', 'least-squares', or the mean of another run's reconstruction.h5.",
        ),
    ] = None,
    start_sigma: Annotated[
        float | None,
        typer.Option(help="For --start: the noise level to start at, in the prior's units."),
    ] = None,
    start_time: Annotated[
        float | None,
        typer.Option(help="For --start: the SDE's time to start at, in [0, 1], instead."),
    ] = None,
    undersample: Undersample = None,
    acceleration: Acceleration = 4.0,
    centre_fraction: CentreFraction = 0.08,
    noise_std: NoiseStd = None,
    map_sets: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=2,
            help="Coil map sets; two where the object is larger than the field of view.",
            show_default="as the data ask",
        ),
    ] = None,
    crop: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Of ESPIRiT: eigenvalues below count as background.", show_default="as the data ask"
        ),
    ] = None,
) -> None:
    """Reconstruct images from undersampled k-space, with missing pixels, or noisy, with several posterior samples.

    Writes reconstruction.h5 (mean, std, samples, zero_filled, ground_truth where known) and panel.png.
    """
    from invdiff.cli.folder import writable_folder
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import check_operator, parse_settings, undersampling
    from invdiff.cli.progress import progress_bar
    from invdiff.diffusion import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import reconstruct

    keep_heap()
    check_operator(operator)
    parsed = parse_settings(settings or [])
    if config is not None:
        from invdiff.tuning.config import read_config

        configured = read_config(config)
        method, parsed = method or configured.method, {**configured.texts, **parsed}
    chosen = find_method(method or "fast")
    prior = prior or chosen.prior
    network = load_prior(prior, config=prior_config)
    given = input_file is not None
    mask = undersampling(undersample, acceleration, centre_fraction, seed, given=given, operator=operator)
    cases = _cases(input_file, operator, seed, mask, noise_std, map_sets, crop)
    sampler = chosen.with_settings(parsed, is_complex=cases.is_complex, channels=network.channels)
    if (start, start_sigma, start_time) != (None, None, None):
        sampler, cases = _starting_late(sampler, cases, start or "zero-filled", start_sigma, start_time)
    writable_folder(out)
    _tell(cases)
    finished = out / "finished.npz"
    try:
        with progress_bar(f"{chosen.name}, {samples} sample(s)") as progress:
            result = reconstruct(
                cases,
                sampler,
                network,
                samples=samples,
                seed=seed,
                keep=finished,
                progress=progress,
                attributes={
                    "method": chosen.name,
                    "settings": str(parsed),
                    "prior": prior,
                    "input": cases.measured.name,
                },
            )
    except KeyboardInterrupt:
        if finished.exists():
            print(f"invdiff: finished samples are in {finished}; the same command goes on from there.", file=sys.stderr)
        raise
    result.write(out / "reconstruction.h5")
    finished.unlink(missing_ok=True)
    _show(cases, result, chosen.name, out)


def _cases(
    path: Path | None,
    operator: str,
    seed: int,
    mask: "Callable[[tuple[int, int]], Any] | None",
    noise_std: float | None,
    map_sets: int | None,
    crop: float | None,
) -> "Cases":
    from invdiff.data import read_scan
    from invdiff.reconstruction import picture_cases, read_picture, sample_cases, scan_cases

    if path is None:
        return sample_cases(operator, seed, noise_std=noise_std, map_sets=map_sets, crop=crop)
    if operator in ("inpainting", "denoise"):
        return picture_cases(read_picture(path), operator, noise_std=noise_std)
    scan = read_scan(path)
    return scan_cases(
        scan,
        operator,
        mask=None if mask is None else mask(scan.image_shape),
        noise_std=noise_std,
        map_sets=map_sets,
        crop=crop,
    )


def _tell(cases: "Cases") -> None:
    """What is reconstructed, and what was found out about it."""
    print(cases.description)
    if cases.preparation is not None:
        for line in cases.preparation.report:
            print(line)
        for warning in cases.preparation.warnings:
            print(f"warning: {warning}", file=sys.stderr)


def _starting_late(
    sampler: "Sampler", cases: "Cases", image: str, sigma: float | None, time: float | None
) -> "tuple[Sampler, Cases]":
    from dataclasses import replace

    from invdiff.diffusion import LateStart
    from invdiff.reconstruction import read_mean

    match image:
        case "zero-filled":
            return replace(sampler, start=LateStart(sigma, time, "zero-filled")), cases
        case "least-squares":
            return replace(sampler, start=LateStart(sigma, time, "least-squares")), cases
        case path:
            return replace(sampler, start=LateStart(sigma, time, "initial")), replace(cases, initial=read_mean(path))


def _show(cases: "Cases", result: "Reconstruction", method: str, out: Path) -> None:
    """Write the panel, and print the table where there is a truth."""
    from rich.console import Console

    from invdiff.evaluation.panel import write_panel
    from invdiff.evaluation.report import table

    samples = result.samples.shape[1]
    truth, mean = result.ground_truth, f"{method}, mean of {samples}" if samples > 1 else f"{method}, one sample"
    begun = {"noisy" if cases.operator == "denoise" else "zero-filled": result.zero_filled}
    std = result.std if samples > 1 else None  # one sample does not tell how far samples disagree
    write_panel(out / "panel.png", {**begun, mean: result.mean}, std=std, truth=truth)
    if truth is not None:
        classical = {f"{name} (best weight {best.weight:.1e})": best.image for name, best in cases.classical().items()}
        Console().print(table(truth, {**begun, **classical, mean: result.mean}, cases.target))
    print(f"wrote {out / 'reconstruction.h5'} and {out / 'panel.png'}")
