"""``invdiff tune-lambda``: search for the best value of λ, or of other parameters of a method."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invdiff.cli.options import Acceleration, CentreFraction, NoiseStd, PriorConfigName, PriorName, Undersample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from invdiff.methods.method import Method
    from invdiff.tuning import Measurement, Study, Trial


def tune_lambda(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT", help="Files, or folders of them; without, the scan that ships with invdiff."),
    ] = None,
    method: Annotated[str, typer.Option(help="See `invdiff methods`.")] = "fast",
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME:LOW:HIGH[:log]",
            help="What to search, may be repeated; by default lam:0:1 or, for methods without, what weighs their data.",
        ),
    ] = None,
    objective: Annotated[
        str, typer.Option(help="psnr, ssim or nmse against a truth; kspace-holdout without one.")
    ] = "psnr",
    trials: Annotated[int, typer.Option(min=1, help="In all, with those of an earlier run in the same folder.")] = 20,
    samples: Annotated[int, typer.Option(min=1, help="Posterior samples for each slice and trial.")] = 1,
    parallel: Annotated[int, typer.Option(min=1, help="Trials at a time, in processes that share the threads.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all random numbers.")] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another parameter of the method, fixed; may be repeated."),
    ] = None,
    operator: Annotated[str, typer.Option(help="As for `invdiff solve`.")] = "sense",
    prior: PriorName = None,
    prior_config: PriorConfigName = None,
    out: Annotated[Path, typer.Option(help="Folder for the results; a search in it goes on.")] = Path("invdiff-tuning"),
    undersample: Undersample = None,
    acceleration: Acceleration = 4.0,
    centre_fraction: CentreFraction = 0.08,
    noise_std: NoiseStd = None,
) -> None:
    """Search for the best value of λ, or of any numeric parameters, by Bayesian optimisation.

    Writes trials.csv, surface.png and best.yaml, which `invdiff solve --config` takes. The same command goes on with a
    search that was stopped.
    """
    from invdiff.cli.folder import writable_folder
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import check_operator, parse_settings, undersampling
    from invdiff.cli.progress import progress_bar
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.tuning import Space, Study, Trial, Validation, find_objective, parse_range, usual_range

    keep_heap()
    check_operator(operator)
    chosen, goal, fixed = find_method(method), find_objective(objective), parse_settings(settings or [])
    space = Space([parse_range(text, chosen) for text in params or []] or [usual_range(chosen)])
    mask = undersampling(undersample, acceleration, centre_fraction, seed, given=bool(inputs), operator=operator)
    measurements = _measurements(inputs, operator, seed, mask, noise_std)
    prior = prior or chosen.prior
    validation = Validation(chosen, measurements, goal, load_prior(prior, config=prior_config), fixed, samples, seed)
    validation.check(space)
    writable_folder(out)
    search = {**validation.record, "prior": prior}
    study = Study(space, out, goal.name, goal.higher_is_better, seed, search, first=[chosen.defaults])
    for cases in validation.shown:
        print(cases.description)
    try:
        with progress_bar(f"{method}, {trials} trials") as progress:
            progress(len(study.trials), trials)

            def report(trial: Trial) -> None:
                progress(len(study.trials), trials)
                print(f"trial {len(study.trials) - 1}: {_shown(trial, goal.name)}", flush=True)

            study.run(validation, trials, parallel=parallel, report=report)
    except KeyboardInterrupt:
        if study.trials:
            print(f"invdiff: {len(study.trials)} trials are in {out}; the same command goes on.", file=sys.stderr)
        raise
    _finish(study, chosen, fixed, out)


def _measurements(
    inputs: list[Path] | None,
    operator: str,
    seed: int,
    mask: "Callable[[tuple[int, int]], Any] | None",
    noise_std: float | None,
) -> "list[Measurement]":
    from invdiff.tuning import find_files, read_measurement, sample_measurement

    if not inputs:
        return [sample_measurement(operator, seed, noise_std=noise_std)]
    files = find_files(inputs, operator)
    return [read_measurement(file, operator, mask=mask, noise_std=noise_std) for file in files]


def _shown(trial: "Trial", objective: str) -> str:
    point = ", ".join(f"{name}={value:g}" for name, value in trial.parameters.items())
    score = f"failed: {trial.failure}" if trial.score is None else f"{objective} {trial.score:.6g}"
    return f"{point}: {score} ({trial.seconds:.1f} s)"


def _finish(study: "Study", method: "Method", fixed: "Mapping[str, str]", out: Path) -> None:
    """Write the surface and the configuration, and say what is best."""
    from invdiff.tuning import write_config, write_surface

    best, default = study.best, study.score_of(method.defaults)
    point = ", ".join(f"{name}={value:g}" for name, value in best.parameters.items())
    beside = "" if default is None else f"; the default gives {default:.6g}"
    print(f"best of {len(study.trials)} trials: {study.objective} {best.score:.6g} at {point}{beside}")
    write_surface(study, out / "surface.png")
    write_config(study.config(method.name, fixed), out / "best.yaml")
    print(f"wrote {out / 'trials.csv'}, {out / 'surface.png'} and {out / 'best.yaml'}, for invdiff solve --config")
