"""A file reconstructed on disk: finished samples are kept until the result is whole, whoever draws them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from invdiff.diffusion.start import Start
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.files.hdf5 import attributes_of, reading
from invdiff.files.lock import folder_lock
from invdiff.methods import OF_VOLUMES, Method
from invdiff.methods.named_parts import name_of_value
from invdiff.priors import Prior
from invdiff.reconstruction.another_result import refuse_another
from invdiff.reconstruction.audit import FRACTION, HeldCases, Judge, Ranking
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.draw import HERE, WHOLE, Progress, Shard, draw
from invdiff.reconstruction.executors import Executor
from invdiff.reconstruction.forecast import Forecast, forecast
from invdiff.reconstruction.known_maps import known_maps, maps_forecast
from invdiff.reconstruction.known_noise import known_noise, noise_forecast
from invdiff.reconstruction.memory_limit import within
from invdiff.reconstruction.reconstruct import described, gather
from invdiff.reconstruction.result import write_slices
from invdiff.reconstruction.stage import SlabStage, Stage, stage_of
from invdiff.reconstruction.store import FolderStore, MemoryStore, Store
from invdiff.reconstruction.trial import Measure, measured, measured_memory

UNITS = "units"
RESULT = "reconstruction.h5"


@dataclass(frozen=True)
class Recipe:
    """A method with its parameters.

    Attributes:
        method: which.
        settings: its parameters, as text; the others have their defaults.
        samples: how many are drawn of each slice; one of a method of one image.
        start: to begin at instead of the method's own.
    """

    method: Method
    settings: Mapping[str, str] = field(default_factory=dict)
    samples: int = 1
    start: Start | None = None

    def stage(self, cases: Cases, prior: Prior, seed: int, device: str | None) -> Stage:
        """What it draws of some cases.

        Raises:
            InputError: a parameter makes no sense.
        """
        settings = {**OF_VOLUMES, **self.settings}
        sampler = self.method.with_settings(settings, is_complex=cases.is_complex, channels=prior.channels)
        sampler = sampler if self.start is None else replace(sampler, start=self.start)
        return stage_of(cases, sampler, prior, self.samples, seed=seed, device=device)

    @property
    def parameters(self) -> str:
        """Every parameter with its value, in words, and where it starts if not as the method does."""
        values = {name: name_of_value(value) for name, value in self.method.defaults.items()} | dict(self.settings)
        values |= {} if self.start is None else {"start": repr(self.start)}
        return " ".join(f"{name}={value}" for name, value in values.items())

    @property
    def title(self) -> str:
        """What a progress bar and a picture call it."""
        return self.method.name if self.method.spread else f"{self.method.name}, {self.samples} sample(s)"


@dataclass(frozen=True)
class Step:
    """A stage of a study.

    Attributes:
        recipe: what is drawn by it.
        stage: of a file.
        judges: whether it is of slices of which samples are held back.
    """

    recipe: Recipe
    stage: Stage
    judges: bool = False

    @property
    def title(self) -> str:
        """What a progress bar calls it."""
        return f"audit of {self.recipe.title}" if self.judges else self.recipe.title


class Watcher(Protocol):
    """What is told of a study's progress."""

    def begun(self, cases: Cases) -> None:
        """Called when the measurement and its noise are known; where a method is chosen first, then again."""

    def progress(self, title: str) -> AbstractContextManager[Progress | None]:
        """A bar for something that takes long."""

    def told(self, sentence: str) -> None:
        """Called with what is about to be done, or was found out, on the way."""

    def image(self, path: Path) -> None:
        """Called when the image is on disk, and samples are to follow."""


class Silent:
    """Tells nobody."""

    def begun(self, cases: Cases) -> None:
        """Say nothing."""

    def progress(self, title: str) -> AbstractContextManager[None]:
        """No bar."""
        return nullcontext()

    def told(self, sentence: str) -> None:
        """Say nothing."""

    def image(self, path: Path) -> None:
        """Say nothing."""


SILENT = Silent()


@dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Attributes:
        path: of the result, where it is whole; None while other parts of the study are outstanding.
        failures: why there is nothing of a slice, by its number.
        was_there: whether it was whole before.
    """

    path: Path | None
    failures: Mapping[int, str]
    was_there: bool = False


@dataclass(frozen=True)
class Study:
    """How files are reconstructed: an image of every slice, posterior samples, or both.

    Attributes:
        prior: what images look like.
        image: a method that makes one image.
        posterior: a method whose samples tell what is uncertain.
        seed: of the random numbers.
        device: where workers compute.
        shard: the part of the study that this process draws.
        attributes: more to record.
        memory_limit: bytes of each process; see `within`.
        held_back: the part of the samples outside the calibration region by which the spread of posterior samples is
            judged, and corrected; zero for no such audit.
        ranking: by which its methods were chosen; recorded with the result.
        replaces: whether the result of another run may be replaced.
    """

    prior: Prior
    image: Recipe | None
    posterior: Recipe | None
    seed: int = 0
    device: str | None = None
    shard: Shard = WHOLE
    attributes: Mapping[str, Any] = field(default_factory=dict)
    memory_limit: int | None = None
    held_back: float = FRACTION
    ranking: Ranking | None = None
    replaces: bool = True

    def __call__(
        self,
        cases: Cases,
        folder: Path,
        *,
        position: int = 0,
        executor: Executor = HERE,
        watcher: Watcher = SILENT,
    ) -> Outcome:
        """Reconstruct a file; go on where an earlier run, or another part of the study, has left it.

        Args:
            cases: of the file.
            folder: for ``reconstruction.h5``; finished samples are in its folder ``units`` until that is whole.
            position: of the file in the study, so that its parts are alike.
            executor: where to compute.
            watcher: told of the progress.

        Raises:
            InputError: another process does the same, parts do not fit, nothing came of any slice, the folder holds
                the result of another run that may not be replaced, or it can't be written to.
        """
        decided = self.decides(cases)
        path = folder / RESULT
        there = failures_of(path, decided)
        if there is not None:
            self._clear(folder / UNITS)
            return Outcome(path, there, was_there=True)
        self._check_place(path, cases)
        if not self.has_part(cases, position):
            return Outcome(None, {})
        store = FolderStore(folder / UNITS)
        with folder_lock(folder / UNITS / f"{self._part}.lock"):
            try:
                return self._draw(cases, folder, store, decided, position, executor, watcher)
            finally:
                if store.is_empty and self.shard == WHOLE:  # refused before anything was finished
                    store.remove()

    def forecast(
        self, cases: Cases, folder: Path, *, position: int = 0, executor: Executor = HERE, measure: Measure = measured
    ) -> Forecast:
        """What a call with the same arguments will take; nothing is written.

        Args:
            cases: of the file.
            folder: for the result.
            position: of the file in the study.
            executor: where it will be computed.
            measure: tries what a unit costs.

        Raises:
            InputError: parts do not fit, one sample takes more than the memory limit, or as a call where the folder
                holds another result.
        """
        if failures_of(folder / RESULT, self.decides(cases)) is not None:
            return Forecast()
        self._check_place(folder / RESULT, cases)
        store: Store = FolderStore(folder / UNITS) if (folder / UNITS).is_dir() else MemoryStore()
        cases, whole = maps_forecast(cases, self.prior, store, measure)
        cases, of_noise = noise_forecast(cases, self.prior, store, measure)
        whole += of_noise
        for step in self._steps(cases):
            stage = step.stage
            found = forecast(
                replace(stage.drawing, together=self.together(stage, executor, measure)),
                stage.samples,
                store=store,
                executor=executor,
                shard=self.shard,
                position=position,
                measure=measure,
            )
            whole += replace(found, cases=frozenset(number for one in found.cases for number in stage.slices(one)))
        return whole

    def _check_place(self, path: Path, cases: Cases) -> None:
        if self.replaces:
            return
        stages = {step.recipe is self.image: step for step in self._steps(cases) if not step.judges}
        refuse_another(path, self._told(cases, stages.get(True), stages.get(False)))

    def _told(self, cases: Cases, image: Step | None, posterior: Step | None) -> dict[str, Any]:
        """What is recorded of how a result was made."""
        told: dict[str, Any] = {}
        for prefix, found in (("samples_", posterior), ("", image or posterior)):
            if found is not None:
                said = {"method": found.recipe.method.name, "settings": str(dict(found.recipe.settings))}
                said["parameters"] = found.recipe.parameters
                said |= described(cases, found.stage.drawing)
                told |= {f"{prefix}{name}": value for name, value in said.items()}
        return {**told, **self.attributes, "input": cases.name}

    def has_part(self, cases: Cases, position: int) -> bool:
        """Whether this process draws any slice of a file at a position of the study."""
        return any(self.shard.holds(position + k) for k in range(len(cases.full)))

    def main(self, cases: Cases) -> Stage:
        """What is drawn for the image that is shown: the one image, or the samples of which it is the mean.

        Raises:
            InputError: there is neither, or a parameter makes no sense.
        """
        recipe = self.image or self.posterior
        if recipe is None:
            raise InputError("A study makes an image, draws samples, or both; give it a recipe.")
        return recipe.stage(cases, self.prior, self.seed, self.device)

    def _clear(self, units: Path) -> None:
        """Remove what is left of a run that was killed between its result and its end."""
        if units.is_dir():
            with suppress(InputError), folder_lock(units / f"{self._part}.lock"):  # unless somebody is at work there
                FolderStore(units).remove()

    def _draw(
        self,
        cases: Cases,
        folder: Path,
        store: FolderStore,
        decided: str,
        position: int,
        executor: Executor,
        watcher: Watcher,
    ) -> Outcome:
        path = folder / RESULT
        drawn = [step.stage for step in self._steps(cases) if not step.judges]
        together = [self.together(stage, executor, measured_memory) for stage in drawn]
        with watcher.progress("coil maps"):
            cases = known_maps(cases, self.prior, store=store)
        with watcher.progress("noise") as progress:
            cases = known_noise(cases, self.prior, store=store, progress=progress)
        watcher.begun(cases)
        steps = self._steps(cases, together)
        failures: dict[int, str] = {}
        for step in steps:
            with watcher.progress(step.title) as progress:
                found = draw(
                    step.stage.drawing,
                    store,
                    step.stage.samples,
                    executor=executor,
                    shard=self.shard,
                    position=position,
                    progress=progress,
                )
            for number, reason in found.items():
                store.fail(number, step.stage.drawing.key(number), reason)
            failures |= {} if step.judges else _by_slice(step.stage, found)
            if len(failures) == len(cases.full):
                raise InputError(next(iter(failures.values())))
            if step is steps[0] and self.image is not None and self.posterior is not None and self.shard == WHOLE:
                self._write(path, cases, store, steps[:1], "")
                watcher.image(path)
        with folder_lock(folder / UNITS / "gather.lock", wait=True):
            there = failures_of(path, decided)
            if there is not None:  # by another part, meanwhile
                store.remove()
                return Outcome(path, there)
            settled = _settled(store, [step.stage for step in steps if not step.judges])
            if settled is None or _settled(store, [step.stage for step in steps]) is None:
                return Outcome(None, failures)
            self._write(path, cases, store, steps, decided, settled)
            store.remove()
        return Outcome(path, settled)

    def _steps(self, cases: Cases, together: Sequence[int | None] = (None, None)) -> list[Step]:
        """What is drawn of a file, in this order: the image, the posterior samples, and both of what is shown of
        slices of which samples are held back."""
        steps = []
        for recipe, most in zip(
            [one for one in (self.image, self.posterior) if one is not None], together, strict=False
        ):
            stage = recipe.stage(cases, self.prior, self.seed, self.device)
            steps.append(Step(recipe, replace(stage, drawing=replace(stage.drawing, together=most))))
        held = self._held(cases, steps)
        return steps if held is None else [*steps, *(Step(s.recipe, s.stage.of(held), True) for s in steps)]

    def _held(self, cases: Cases, steps: Sequence[Step]) -> HeldCases | None:
        """What samples are judged by, slices that follow each other where any are drawn in slabs; None where there are
        not two of them, or too few to hold any back."""
        if not self.held_back or self.posterior is None or self.posterior.samples < 2:
            return None
        try:
            held = HeldCases.of(cases, self.held_back, self.seed)
        except InputError:
            return None
        return held.neighbouring if any(isinstance(step.stage, SlabStage) for step in steps) else held

    def together(self, stage: Stage, executor: Executor, measure: Measure) -> int | None:
        """How many samples run side by side, at most; refuses what does not fit."""
        if self.memory_limit is None:
            return None
        return within(stage.drawing, stage.samples, self.memory_limit, executor=executor, measure=measure).together

    def decides(self, cases: Cases) -> str:
        """All that the result depends on, in few words."""
        keys = [
            [step.stage.samples, *(step.stage.drawing.key(number) for number in step.stage.drawing.problems.full)]
            for step in self._steps(cases)
        ]
        return digest_of(keys, cases.slices, cases.geometry, *(() if self.ranking is None else (self.ranking.json,)))

    @property
    def _part(self) -> str:
        return "whole" if self.shard == WHOLE else f"shard-{self.shard.index}-of-{self.shard.count}"

    def _write(
        self,
        path: Path,
        cases: Cases,
        store: FolderStore,
        steps: list[Step],
        decided: str,
        failures: Mapping[int, str] | None = None,
    ) -> None:
        by = {(step.judges, step.recipe is self.image): step for step in steps}
        image, posterior, judged = by.get((False, True)), by.get((False, False)), by.get((True, False))
        attributes = self._told(cases, image, posterior)
        image_judged, held = by.get((True, True)), self._held(cases, steps)
        audit = None
        if judged is not None and held is not None:
            audit = Judge(held, judged.stage, None if image_judged is None else image_judged.stage)(store)
        slices = gather(
            cases,
            store,
            image=None if image is None else image.stage,
            posterior=None if posterior is None else posterior.stage,
            correction=None if audit is None else audit.correction,
        )
        attributes |= {} if audit is None else audit.attributes
        attributes |= {} if self.ranking is None else self.ranking.attributes
        failed: dict[str, list[int]] = {}  # many slices fail for few reasons, and an attribute holds 64 KiB
        for number, reason in (failures or {}).items():
            failed.setdefault(reason, []).append(number)
        attributes |= {"failed": json.dumps(failed), "fingerprint": decided}
        geometry = cases.geometry
        if geometry is None:
            write_slices(path, slices, cases.count, attributes, None, cases.sampled, cases.density)
        else:
            parts = (one.part(geometry) for one in slices)
            write_slices(path, parts, cases.count, attributes, geometry.cropped, cases.sampled, cases.density)


def _settled(store: FolderStore, stages: list[Stage]) -> dict[int, str] | None:
    """The failures of a study of which nothing is outstanding; None where something is."""
    failures: dict[int, str] = {}
    for stage in stages:
        for number in stage.drawing.problems.full:
            if stage.is_there(store, number):
                continue
            reason = store.failure(number, stage.drawing.key(number))
            if reason is None:
                return None
            failures |= _by_slice(stage, {number: reason})
    return failures


def _by_slice(stage: Stage, failures: Mapping[int, str]) -> dict[int, str]:
    """The failures of a drawing's problems, of each of their slices."""
    return {number: reason for problem, reason in failures.items() for number in stage.slices(problem)}


def failures_of(path: Path, decided: str) -> dict[int, str] | None:
    """What failed in a result that was decided so; None where there is no such result.

    Raises:
        InputError: there is one of another version of the package.
    """
    try:
        with reading(path) as file:
            found = {name: value for name, value in attributes_of(file).items() if isinstance(value, str)}
    except InputError:  # missing, or damaged: it is made anew
        return None
    made_by = found.get("invdiff_version", version("invdiff"))
    if made_by != version("invdiff"):
        raise InputError(f"{path} is of invdiff {made_by}, and this is {version('invdiff')}; choose another folder.")
    if found.get("fingerprint") != decided:
        return None
    failed = json.loads(found["failed"])
    return {int(number): str(reason) for reason, numbers in failed.items() for number in numbers}
