"""``invdiff tune-lambda``: search for the best value of λ, or of other parameters of a method."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from invdiff.cli.completion import method_names
from invdiff.cli.options import (
    Acceleration,
    AsJson,
    AxesText,
    CentreFraction,
    Contrast,
    DeviceName,
    Group,
    MapsFile,
    MaskFile,
    NoiseFile,
    NoiseStd,
    OperatorName,
    Phase,
    PrecisionName,
    PriorConfigName,
    PriorName,
    Quiet,
    Repetition,
    Scheduler,
    Seed,
    SetNumber,
    Threads,
    Undersample,
)
from invdiff.cli.output import Output, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invdiff.methods import Method
    from invdiff.tuning import Study, Trial


def tune_lambda(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT", help="Files, or folders of them; without, the scan that ships with invdiff."),
    ] = None,
    method: Annotated[str, typer.Option(autocompletion=method_names, help="See `invdiff methods`.")] = "fast",
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME[:LOW:HIGH[:log]]",
            help="What to search, may be repeated; by default lam:0:1 or, for methods without, what weighs their data. "
            "A name alone is searched between what `invdiff methods` says that it usually is. "
            "Every method has noise_times, by what the noise level that it assumes is multiplied.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="truth|held-back",
            help="What parameters are judged by: a ground truth, or samples of k-space that the method is not shown.",
            show_default="truth where every file has one",
        ),
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="psnr, ssim or nmse, against a truth.", show_default="psnr")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all, with those of an earlier run in the same folder.")
    ] = 20,
    samples: Annotated[int, typer.Option(min=1, help="Posterior samples for each slice and trial.")] = 1,
    parallel: Annotated[int, typer.Option(min=1, help="Trials at a time, in processes that share the threads.")] = 1,
    seed: Seed = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another parameter of the method, fixed; may be repeated."),
    ] = None,
    operator: OperatorName = "sense",
    prior: PriorName = None,
    prior_config: PriorConfigName = None,
    out: Annotated[Path, typer.Option(help="Folder for the results; a search in it goes on.")] = Path("invdiff-tuning"),
    contrast: Contrast = None,
    repetition: Repetition = None,
    phase: Phase = None,
    set_number: SetNumber = None,
    group: Group = None,
    undersample: Undersample = None,
    acceleration: Acceleration = None,
    centre_fraction: CentreFraction = None,
    axes: AxesText = None,
    maps: MapsFile = None,
    mask: MaskFile = None,
    noise: NoiseFile = None,
    noise_std: NoiseStd = None,
    device: DeviceName = "cpu",
    precision: PrecisionName = "auto",
    threads: Threads = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best value of λ, or of any numeric parameters, by Bayesian optimisation: against a truth or, where
    there is none, by how well samples of k-space that were held back are predicted.

    Writes trials.csv, surface.png and best.yaml, which `invdiff solve --config` takes. The same command goes on with a
    search that was stopped.
    """
    from invdiff.cli.computing import Computing
    from invdiff.cli.folder import folder_of
    from invdiff.cli.heap import keep_heap
    from invdiff.cli.options import parse_settings, tell_companions, undersampling
    from invdiff.data import Series
    from invdiff.data.formats import given_of
    from invdiff.files.lock import folder_lock
    from invdiff.methods import find_method
    from invdiff.priors import load_prior
    from invdiff.reconstruction import Assumptions, find_inputs, find_kind
    from invdiff.tuning import NOISE_TIMES, Space, Study, Trial, Validation, parse_range, suiting, usual_range

    keep_heap()
    output, kind = Output(as_json, quiet), find_kind(operator)
    chosen, fixed = find_method(method), parse_settings(settings or [])
    space = Space([parse_range(text, chosen) for text in params or []] or [usual_range(chosen)])
    condition = undersampling(undersample, acceleration, centre_fraction, seed)
    assumed = Assumptions(noise_std, map_sets=1)
    given, series = given_of(axes, maps, mask, noise), Series(group, contrast, repetition, phase, set_number)
    found = find_inputs(inputs or [], kind, series=series, seed=seed, condition=condition, assumed=assumed, given=given)
    if len(found) > 1:
        tell_companions(output, given, len(found))
    prior = prior or chosen.prior
    computing = Computing(device, precision, threads, parallel if scheduler is None else 1, scheduler)
    network = computing.place(load_prior(prior, config=prior_config))
    measurements = [one.read() for one in found]
    goal = suiting(measurements, objective, by)
    validation = Validation(chosen, measurements, goal, network, fixed, samples, seed)
    validation.check(space)
    folder_of("tune-lambda", out)
    search = {**validation.record, "prior": prior}
    with folder_lock(out / ".search.lock"):
        study = Study(
            space, out, goal.name, goal.higher_is_better, seed, search, first=[{**chosen.defaults, NOISE_TIMES: 1.0}]
        )
        output.say(computing.description)
        with output.progress("noise"):
            believed = validation.believed
        for cases in believed:
            output.describe(cases)
        try:
            with computing.executor() as executor, output.progress(f"{method}, {trials} trials") as progress:
                progress(len(study.trials), trials)

                def report(trial: Trial) -> None:
                    progress(len(study.trials), trials)
                    output.say(f"trial {len(study.trials) - 1}: {_shown(trial, goal.name)}")

                study.run(validation, trials, parallel=parallel, executor=executor, report=report)
        except KeyboardInterrupt:
            if study.trials:
                tell(f"invdiff: {len(study.trials)} trials are in {out}; the same command goes on.", aside=True)
            raise
        found_with = {"operator": kind.name, "prior": _lasting(prior), "prior_config": _lasting(prior_config)}
        _finish(study, chosen, fixed, found_with, out, output)


def _shown(trial: "Trial", objective: str) -> str:
    point = ", ".join(f"{name}={value:g}" for name, value in trial.parameters.items())
    score = f"failed: {trial.failure}" if trial.score is None else f"{objective} {trial.score:.6g}"
    return f"{point}: {score} ({trial.seconds:.1f} s)"


def _lasting(name: str | None) -> str | None:
    """The name of a prior or of its configuration, from whatever folder it is read: whole, where it is a path."""
    from invdiff.priors.checkpoints.checkpoint import SHIPPED

    return name if name is None or name in SHIPPED or not Path(name).is_file() else str(Path(name).absolute())


def _finish(
    study: "Study",
    method: "Method",
    fixed: "Mapping[str, str]",
    found_with: "Mapping[str, str | None]",
    out: Path,
    output: Output,
) -> None:
    """Write the surface and the run at the best point, and say what is best."""
    from invdiff.cli.run_file import run_as_text
    from invdiff.files.atomic import atomic
    from invdiff.tuning import NOISE_TIMES, write_surface

    best, default = study.best, study.score_of({**method.defaults, NOISE_TIMES: 1.0})
    point = ", ".join(f"{name}={value:g}" for name, value in best.parameters.items())
    beside = "" if default is None else f"; the default gives {default:.6g}"
    output.say(f"best of {len(study.trials)} trials: {study.objective} {best.score:.6g} at {point}{beside}")
    write_surface(study, out / "surface.png")
    with atomic(out / "best.yaml") as temporary:
        temporary.write_text(run_as_text({**study.run_at_best(method.name, fixed), **found_with}), encoding="utf-8")
    output.say(f"wrote {out / 'trials.csv'}, {out / 'surface.png'} and {out / 'best.yaml'}, for invdiff solve --config")
    document = {"objective": study.objective, "score": best.score, "parameters": dict(best.parameters)}
    output.finish({"command": "tune-lambda", "exit_status": 0, "trials": len(study.trials), "best": document})
