"""``invdiff solve``: reconstruct a file, or the scan that ships with the package."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from invdiff.errors import InputError

if TYPE_CHECKING:
    from invdiff.reconstruction import Cases, Reconstruction

OPERATORS = ("sense", "fourier", "inpainting", "denoise")


def solve(
    input_file: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads it
        typer.Argument(metavar="INPUT", help="What was measured; without it, the brain scan that ships with invdiff."),
    ] = None,
    operator: Annotated[str, typer.Option(help=f"{', '.join(OPERATORS)}; see `invdiff operators`.")] = "sense",
    prior: Annotated[str, typer.Option(help="A checkpoint (.safetensors, .pt), or 'builtin'.")] = "builtin",
    method: Annotated[str, typer.Option(help="See `invdiff methods`.")] = "fast",
    samples: Annotated[int, typer.Option(help="Posterior samples for each slice.")] = 8,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("invdiff-result"),
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the method; may be repeated."),
    ] = None,
    undersample: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="KIND", help="Leave out k-space samples of INPUT first: a mask of `invdiff simulate`."),
    ] = None,
    acceleration: Annotated[float, typer.Option(help="For --undersample.")] = 4.0,
    centre_fraction: Annotated[
        float, typer.Option(help="For --undersample: the part of the lines always kept.")
    ] = 0.08,
    noise_std: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Noise in each real number of the data, in their units; else from the file, or estimated."),
    ] = None,
) -> None:
    """Reconstruct images from undersampled k-space, with missing pixels, or noisy, with several posterior samples.

    Writes reconstruction.h5 (mean, std, samples, zero_filled, ground_truth where known) and panel.png.
    """
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.progress import progress_bar
    from invdiff.diffusion import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import reconstruct

    keep_heap()
    if operator not in OPERATORS:
        raise InputError(f"There is no operator {operator!r}; there are {', '.join(OPERATORS)}.")
    chosen, parsed = find_method(method), _settings(settings or [])
    network = load_prior(prior)
    cases = _cases(input_file, operator, seed, undersample, acceleration, centre_fraction, noise_std)
    sampler = chosen.with_settings(parsed, is_complex=cases.is_complex)
    _prepare(out)
    print(cases.description)
    finished = out / "finished.npz"
    try:
        with progress_bar(f"{method}, {samples} sample(s)") as progress:
            result = reconstruct(
                cases,
                sampler,
                network,
                samples=samples,
                seed=seed,
                keep=finished,
                progress=progress,
                attributes={"method": method, "settings": str(parsed), "prior": prior, "input": cases.measured.name},
            )
    except KeyboardInterrupt:
        if finished.exists():
            print(f"invdiff: finished samples are in {finished}; the same command goes on from there.", file=sys.stderr)
        raise
    result.write(out / "reconstruction.h5")
    finished.unlink(missing_ok=True)
    _show(cases, result, method, out)


def _settings(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise InputError(f"--set takes KEY=VALUE, such as --set steps=50, not {pair!r}.")
    return {key.strip(): value.strip() for key, value in (pair.split("=", 1) for pair in pairs)}


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {out} can't be made: {error.strerror}.") from error
    from invdiff.data.atomic import atomic

    with atomic(out / ".writable"):
        pass
    (out / ".writable").unlink()


def _cases(
    path: Path | None,
    operator: str,
    seed: int,
    undersample: str | None,
    acceleration: float,
    centre_fraction: float,
    noise_std: float | None,
) -> "Cases":
    from invdiff.data import MASKS, read_scan
    from invdiff.reconstruction import picture_cases, read_picture, sample_cases, scan_cases

    if undersample is not None and (path is None or operator not in ("sense", "fourier")):
        raise InputError("--undersample is for k-space given as INPUT; the package's own scan comes undersampled.")
    if undersample is not None and undersample not in MASKS:
        raise InputError(f"There is no mask {undersample!r}; there are {', '.join(MASKS)}.")
    if path is None:
        return sample_cases(operator, seed, noise_std=noise_std)
    if operator in ("inpainting", "denoise"):
        return picture_cases(read_picture(path), operator, noise_std=noise_std)
    scan = read_scan(path)
    mask = MASKS[undersample](scan.image_shape, acceleration, centre_fraction, seed) if undersample else None
    return scan_cases(scan, operator, mask=mask, noise_std=noise_std)


def _show(cases: "Cases", result: "Reconstruction", method: str, out: Path) -> None:
    """Write the panel, and print the table where there is a truth."""
    from rich.console import Console

    from invdiff.evaluation.panel import write_panel
    from invdiff.evaluation.report import table

    truth, mean = result.ground_truth, f"{method}, mean of {result.samples.shape[1]}"
    begun = {"noisy" if cases.operator == "denoise" else "zero-filled": result.zero_filled}
    write_panel(out / "panel.png", {**begun, mean: result.mean}, std=result.std, truth=truth)
    if truth is not None:
        classical = {f"{name} (best weight {best.weight:.1e})": best.image for name, best in cases.classical().items()}
        Console().print(table(truth, {**begun, **classical, mean: result.mean}, cases.target))
    print(f"wrote {out / 'reconstruction.h5'} and {out / 'panel.png'}")
