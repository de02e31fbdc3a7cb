"""The method that suits a scan best, chosen by samples of it that are held back, and the study of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.files.hdf5 import attributes_of, reading
from invdiff.reconstruction.another_result import refuse_another
from invdiff.reconstruction.audit import FRACTION, HeldCases, Prediction, Ranking
from invdiff.reconstruction.cases import Cases
from invdiff.reconstruction.draw import HERE, Shard, draw
from invdiff.reconstruction.executors import Executor
from invdiff.reconstruction.forecast import Forecast, forecast
from invdiff.reconstruction.known_maps import known_maps, maps_forecast
from invdiff.reconstruction.known_noise import known_noise, noise_forecast, not_yet
from invdiff.reconstruction.stage import SlabStage, Stage
from invdiff.reconstruction.store import FolderStore, MemoryStore, Store
from invdiff.reconstruction.study import RESULT, SILENT, UNITS, Outcome, Study, Watcher
from invdiff.reconstruction.trial import Measure, measured, measured_memory, spread
from invdiff.reconstruction.units import Arrays

_SLICES = 2


@dataclass(frozen=True)
class Choice:
    """Studies that differ in their methods: each file gets the one whose image best predicts samples that were held
    back from all of them, of at most two slices. A method that can't reconstruct the file is passed over.

    What is held back is what the audit of the study holds back, so what was drawn of the method that is chosen serves
    there too.

    Attributes:
        studies: at least one, by the names of their methods.
    """

    studies: Mapping[str, Study]

    @property
    def shard(self) -> Shard:
        """The part of the studies that this process draws."""
        return self._any.shard

    @property
    def memory_limit(self) -> int | None:
        """Bytes of each process."""
        return self._any.memory_limit

    def __call__(
        self,
        cases: Cases,
        folder: Path,
        *,
        position: int = 0,
        executor: Executor = HERE,
        watcher: Watcher = SILENT,
    ) -> Outcome:
        """Choose, and reconstruct a file; go on where an earlier run has left it.

        Args:
            cases: of the file.
            folder: for the result.
            position: of the file in the study.
            executor: where to compute.
            watcher: told of the progress.

        Raises:
            InputError: as `Study`, or nothing can be held back, or no method makes an image.
        """
        written = self._written(cases, folder)
        if written is not None:
            return written(cases, folder, position=position, executor=executor, watcher=watcher)
        if not self._any.replaces:
            asked = {"input": cases.name, "seed": self._any.seed, **self._any.attributes}
            refuse_another(folder / RESULT, asked)
        if not self._any.has_part(cases, position):
            return Outcome(None, {})
        store = FolderStore(folder / UNITS)
        try:
            with watcher.progress("coil maps"):
                known = known_maps(cases, self._any.prior, store=store)
            with watcher.progress("noise") as progress:
                known = known_noise(known, self._any.prior, store=store, progress=progress)
            watcher.begun(known)
            ranking = self._rank(known, store, lambda stages: self._find(stages, store, executor, watcher))
        except InputError:
            if store.is_empty:
                store.remove()
            raise
        watcher.told(ranking.sentence)
        return self._chosen(ranking)(cases, folder, position=position, executor=executor, watcher=watcher)

    def forecast(
        self, cases: Cases, folder: Path, *, position: int = 0, executor: Executor = HERE, measure: Measure = measured
    ) -> Forecast:
        """What a call with the same arguments will take, if the method that takes longest is chosen where that is open.

        Args:
            cases: of the file.
            folder: for the result.
            position: of the file in the study.
            executor: where it will be computed.
            measure: tries what a unit costs.

        Raises:
            InputError: as a call.
        """
        written = self._written(cases, folder)
        if written is not None:
            return written.forecast(cases, folder, position=position, executor=executor, measure=measure)
        store: Store = FolderStore(folder / UNITS) if (folder / UNITS).is_dir() else MemoryStore()
        known, _ = maps_forecast(cases, self._any.prior, store, measure)
        known, _ = noise_forecast(known, self._any.prior, store, measure)

        def of(study: Study) -> Forecast:
            return study.forecast(cases, folder, position=position, executor=executor, measure=measure)

        try:
            return of(self._chosen(self._rank(known, store, lambda stages: not_yet())))
        except LookupError:
            fitting, _ = _fitting(self._stages(known))
            dearest = max((of(self.studies[name]) for name in fitting), key=lambda one: one.seconds)
            return self._cost(fitting, store, executor, measure) + dearest

    @property
    def _any(self) -> Study:
        return next(iter(self.studies.values()))

    def _chosen(self, ranking: Ranking) -> Study:
        return replace(self.studies[ranking.best], ranking=ranking)

    def _written(self, cases: Cases, folder: Path) -> Study | None:
        """The study whose result the folder has, if it was chosen among these."""
        try:
            with reading(folder / RESULT) as file:
                said = attributes_of(file)
            ranking = Ranking.from_json(str(said.get("ranking")))
        except InputError:  # missing, damaged, or of another command
            return None
        if {one.name for one in ranking.scores} | ranking.failures.keys() != self.studies.keys():
            return None
        chosen = self._chosen(ranking)
        return chosen if said.get("fingerprint") == chosen.decides(cases) else None

    def _stages(self, cases: Cases) -> dict[str, Stage]:
        """What is drawn of at most two slices of which samples are held back, by the names of the methods; of two that
        follow each other where any are drawn in slabs."""
        held = HeldCases.of(cases, self._any.held_back or FRACTION, self._any.seed)
        stages = {name: study.main(cases) for name, study in self.studies.items()}
        if any(isinstance(stage, SlabStage) for stage in stages.values()):
            full = held.neighbouring.full[:_SLICES]
        else:
            full = [held.full[k] for k in spread(0, len(held.full), _SLICES)]
        return {name: stage.of(replace(held, full=full)) for name, stage in stages.items()}

    def _rank(self, cases: Cases, store: Store, find: Callable[[Mapping[str, Stage]], Arrays]) -> Ranking:
        """The ranking that a store remembers, or that is found."""
        stages = self._stages(cases)
        drawn = [(name, one.samples, *map(one.drawing.key, one.drawing.problems.full)) for name, one in stages.items()]
        return Ranking.from_json(str(store.recall("ranking", digest_of(drawn)[:32], lambda: find(stages))["json"]))

    def _find(
        self, stages: Mapping[str, Stage], store: Store, executor: Executor, watcher: Watcher
    ) -> dict[str, NDArray[np.str_]]:
        fitting, failures = _fitting(stages)
        for name, reason in failures.items():
            watcher.told(f"{name} is passed over: {reason}")
        cost = self._cost(fitting, store, executor, measured)
        slices = ", ".join(str(number) for number in next(iter(fitting.values())).slice_by_slice.full)
        watcher.told(
            f"choosing among {', '.join(fitting)} by samples held back of slice {slices}: {cost.network_calls:,} "
            f"network calls, about {timedelta(seconds=round(cost.seconds))}"
        )
        found: dict[str, Prediction] = {}
        for name, stage in fitting.items():
            together = self._any.together(stage, executor, measured_memory)
            with watcher.progress(f"{name}, held back") as progress:
                failed = draw(
                    replace(stage.drawing, together=together),
                    store,
                    stage.samples,
                    executor=executor,
                    progress=progress,
                )
            if failed:
                failures[name] = next(iter(failed.values()))
            else:
                found[name] = _prediction(stage, store)
        return {"json": np.array(Ranking.of(found, failures).json)}

    def _cost(self, stages: Mapping[str, Stage], store: Store, executor: Executor, measure: Measure) -> Forecast:
        every = (
            forecast(one.drawing, one.samples, store=store, executor=executor, measure=measure)
            for one in stages.values()
        )
        return sum(every, Forecast())


def _fitting(stages: Mapping[str, Stage]) -> tuple[dict[str, Stage], dict[str, str]]:
    """Those that can reconstruct the first problem, and why the others can't.

    Raises:
        InputError: none can.
    """
    failures: dict[str, str] = {}
    for name, stage in stages.items():
        try:
            stage.drawing.bound(stage.drawing.problems.full[0])
        except InputError as error:
            failures[name] = str(error)
    fitting = {name: stage for name, stage in stages.items() if name not in failures}
    if not fitting:
        raise InputError(next(iter(failures.values())))
    return fitting, failures


def _prediction(stage: Stage, store: Store) -> Prediction:
    """What the mean of a stage's samples says of what was held back, over all of its slices."""
    held = stage.slice_by_slice
    assert isinstance(held, HeldCases)
    found = []
    for number in held.full:
        samples = stage.found(store, number).images
        found.append(Prediction.of_image(held.parts(number).hidden, torch.from_numpy(samples.mean(axis=0))))
    return sum(found[1:], found[0])
