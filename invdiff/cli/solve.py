"""``invdiff solve``: reconstruct a file, or the scan that ships with the package."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.options import (
    OPERATORS,
    Acceleration,
    CentreFraction,
    NoiseStd,
    PrecisionName,
    PriorConfigName,
    PriorName,
    Undersample,
)
from invdiff.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from invdiff.diffusion import Sampler
    from invdiff.methods import Method
    from invdiff.priors import Prior
    from invdiff.reconstruction import Cases, Reconstruction

QUALITY = {"draft": 15, "standard": 30, "high": 60, "best": 100}
"""Network calls of an estimate, by name."""


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
        typer.Option(help="See `invdiff methods`.", show_default="the configuration's, or estimate"),
    ] = None,
    quality: Annotated[
        str | None,
        typer.Option(
            help=f"Network calls of the estimate: {', '.join(f'{name} ({calls})' for name, calls in QUALITY.items())}.",
            show_default="standard",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="YAML", help="A method and settings, as from `invdiff tune-lambda`; options win."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Posterior samples for each slice; 0 for the estimate alone.",
            show_default="4 beside an estimate, 8 of other methods",
        ),
    ] = None,
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
    precision: PrecisionName = "auto",
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
    """Reconstruct images from undersampled k-space, with missing pixels, or noisy: the best image first, then posterior
    samples that show how far it can be trusted.

    Writes reconstruction.h5 (image, estimate, mean, std, samples, zero_filled, ground_truth where known) and panel.png.
    """
    from invdiff.cli.folder import writable_folder
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import check_operator, parse_settings, undersampling
    from invdiff.cli.progress import progress_bar
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import known_noise

    keep_heap()
    check_operator(operator)
    parsed = parse_settings(settings or [])
    if config is not None:
        from invdiff.tuning.config import read_config

        configured = read_config(config)
        method, parsed = method or configured.method, {**configured.texts, **parsed}
    chosen = find_method(method or "estimate")
    parsed = _with_quality(parsed, chosen, quality)
    prior = prior or chosen.prior
    network = load_prior(prior, config=prior_config).in_precision(precision)
    given = input_file is not None
    mask = undersampling(undersample, acceleration, centre_fraction, seed, given=given, operator=operator)
    cases = _cases(input_file, operator, seed, mask, noise_std, map_sets, crop)
    sampler = chosen.with_settings(parsed, is_complex=cases.is_complex, channels=network.channels)
    if (start, start_sigma, start_time) != (None, None, None):
        sampler, cases = _starting_late(sampler, cases, start or "zero-filled", start_sigma, start_time)
    writable_folder(out)
    with progress_bar("noise") as progress:
        cases = known_noise(cases, network, progress=progress)
    _tell(cases)
    run = _Run(cases, network, seed, out, {"prior": prior, "input": cases.measured.name})
    attributes = {"settings": str(parsed)}
    if chosen.spread is None:
        count = 8 if samples is None else samples
        result = run(chosen, sampler, count, "finished.npz", attributes)
        run.write(result, {_mean_of(count, chosen): result.mean})
        return
    result = run(chosen, sampler, 1, "finished-image.npz", attributes).as_estimate()
    image = {f"{chosen.name}, {sampler.nfe} calls": result.image}
    count = 4 if samples is None else samples
    run.write(result, image, last=count == 0)
    if count:
        by = find_method(chosen.spread)
        drawn = run(by, by.with_settings({}, is_complex=cases.is_complex, channels=network.channels), count)
        run.write(result.with_samples(drawn), {_mean_of(count, by): drawn.mean, **image})


def _mean_of(samples: int, method: "Method") -> str:
    return f"{method.name}, mean of {samples}" if samples > 1 else f"{method.name}, one sample"


def _with_quality(settings: dict[str, str], method: "Method", quality: str | None) -> dict[str, str]:
    if quality is None:
        return settings
    if quality not in QUALITY:
        raise InputError(f"There is no quality {quality!r}; there are {', '.join(QUALITY)}.")
    if method.spread is None or "steps" in settings:
        raise InputError(
            "--quality is the number of steps of an estimate; give it without --set steps, and no other method."
        )
    return {**settings, "steps": str(QUALITY[quality])}


@dataclass(frozen=True)
class _Run:
    """What is reconstructed, and where the results go."""

    cases: "Cases"
    prior: "Prior"
    seed: int
    out: Path
    attributes: "Mapping[str, str]"

    def __call__(
        self,
        method: "Method",
        sampler: "Sampler",
        samples: int,
        kept: str = "finished.npz",
        attributes: "Mapping[str, str] | None" = None,
    ) -> "Reconstruction":
        """Samples of a method, those that are finished kept in a file of the folder."""
        from invdiff.cli.progress import progress_bar
        from invdiff.reconstruction import reconstruct

        finished = self.out / kept
        title = method.name if method.spread else f"{method.name}, {samples} sample(s)"
        try:
            with progress_bar(title) as progress:
                return reconstruct(
                    self.cases,
                    sampler,
                    self.prior,
                    samples=samples,
                    seed=self.seed,
                    keep=finished,
                    progress=progress,
                    attributes={"method": method.name, **self.attributes, **(attributes or {})},
                )
        except KeyboardInterrupt:
            if finished.exists():
                print(
                    f"invdiff: finished samples are in {finished}; the same command goes on from there.",
                    file=sys.stderr,
                )
            raise

    def write(self, result: "Reconstruction", images: "Mapping[str, NDArray[Any]]", *, last: bool = True) -> None:
        """Write the result and its panel; once the last is safe, print the table and drop what was kept."""
        from rich.console import Console

        from invdiff.classical import rivals
        from invdiff.pictures.panel import write_panel
        from invdiff.pictures.report import table

        result.write(self.out / "reconstruction.h5")
        begun = {"noisy" if self.cases.operator == "denoise" else "zero-filled": result.zero_filled}
        truth = result.ground_truth
        several = result.samples.shape[1] > 1  # one sample does not tell how far samples disagree
        write_panel(self.out / "panel.png", {**begun, **images}, std=result.std if several else None, truth=truth)
        written = f"{self.out / 'reconstruction.h5'} and {self.out / 'panel.png'}"
        if not last:
            print(f"wrote {written}: the image; samples that show its uncertainty follow")
            return
        for kept in ("finished.npz", "finished-image.npz"):
            (self.out / kept).unlink(missing_ok=True)
        if truth is not None:
            found = rivals(self.cases.measured).items()
            classical = {f"{name} (best weight {best.weight:.1e})": best.image for name, best in found}
            Console().print(table(truth, {**begun, **classical, **images}, self.cases.target))
        print(f"wrote {written}")


def _cases(
    path: Path | None,
    operator: str,
    seed: int,
    mask: "Callable[[tuple[int, int]], Any] | None",
    noise_std: float | None,
    map_sets: int | None,
    crop: float | None,
) -> "Cases":
    from invdiff.data import read_picture, read_scan
    from invdiff.reconstruction import picture_cases, sample_cases, scan_cases

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
    from invdiff.reconstruction import read_reconstructed

    match image:
        case "zero-filled":
            return replace(sampler, start=LateStart(sigma, time, "zero-filled")), cases
        case "least-squares":
            return replace(sampler, start=LateStart(sigma, time, "least-squares")), cases
        case path:
            return replace(sampler, start=LateStart(sigma, time, "initial")), replace(
                cases, initial=read_reconstructed(path)
            )
