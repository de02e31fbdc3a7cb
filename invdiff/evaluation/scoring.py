"""A unit of an evaluation, computed by itself: reconstruct, and hold against the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from invdiff.data import achieved_acceleration
from invdiff.data.masks import central
from invdiff.errors import InputError
from invdiff.evaluation.contenders import Outcome
from invdiff.evaluation.score_table import Row
from invdiff.evaluation.subjects import Subject
from invdiff.files.lock import folder_lock
from invdiff.metrics import Scores, z_roughness
from invdiff.reconstruction import Cases, FolderStore
from invdiff.reconstruction.executors import Report

if TYPE_CHECKING:
    from invdiff.evaluation.compare import Comparison, Unit


@dataclass(frozen=True)
class Scored:
    """What came of a unit.

    Attributes:
        rows: of the score table.
        failure: why there are none; empty where there are.
    """

    rows: tuple[Row, ...] = ()
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Scoring:
    """Scores the units of a comparison by their positions, in this process or another.

    Attributes:
        comparison: whose units they are.
        keep: a folder for finished samples, with a folder for each unit that is at work or was interrupted.
    """

    comparison: "Comparison"
    keep: Path

    def __getstate__(self) -> dict[str, Any]:
        return {"comparison": self.comparison, "keep": self.keep}

    def __call__(self, position: int, report: Report) -> Scored:
        """Score a unit; what can't be scored says why.

        Args:
            position: of the unit.
            report: told the share that is done.
        """
        unit = self.comparison.units[position]
        try:
            store = self.store(unit)
            with folder_lock(store.folder / "unit.lock"):
                try:
                    cases = self._cases_of(unit.subject, unit.condition)
                    outcome = unit.contender(
                        cases, self.comparison.seed, store.folder, lambda done, total: report(done / total)
                    )
                    return Scored(tuple(self._rows(unit, cases, outcome)))
                finally:
                    if store.is_empty:
                        store.remove()
        except InputError as error:
            return Scored(failure=f"{unit}: {error}")

    def store(self, unit: "Unit") -> FolderStore:
        """Finished samples of a unit.

        Raises:
            InputError: the folder can't be made.
        """
        return FolderStore(self.keep / self.comparison.digest(unit))

    @cached_property
    def _scan_of(self) -> Any:
        return lru_cache(maxsize=1)(Subject.scan)  # one at a time: scans are large

    @cached_property
    def _cases_of(self) -> Any:
        return lru_cache(maxsize=1)(lambda subject, condition: self.comparison.cases(self._scan_of(subject), condition))

    def _rows(self, unit: "Unit", cases: Cases, outcome: Outcome) -> Iterator[Row]:
        whole = cases.ground_truth
        assert whole is not None
        truth, image = _shown(unit.subject, whole), _shown(unit.subject, outcome.image)
        found = {
            "achieved_acceleration": f"{achieved_acceleration(cases.sampled):.4f}",
            "nfe": f"{outcome.nfe}",
            "prior": unit.contender.prior_name,
            "seconds": f"{outcome.seconds / len(unit.subject.slices):.4g}",
            "weight": "" if outcome.weight is None else f"{outcome.weight:.4g}",
            "noise_std": f"{cases.noise_std:.6g}",
            "versions": ", ".join(f"{name} {version(name)}" for name in ("invdiff", "torch", "numpy")),
        }
        scores = self._scores(unit.subject, truth, image)
        roughness = f"{z_roughness(truth, image):.4f}" if unit.subject.is_volume else ""
        for row, score in zip(self.comparison.rows(unit), scores, strict=True):
            numbers = {"psnr": f"{score.psnr:.4f}", "ssim": f"{score.ssim:.5f}", "nmse": f"{score.nmse:.6g}"}
            yield row | found | numbers | {"z_roughness": "" if row["region"] else roughness}

    def _scores(self, subject: Subject, truth: NDArray[Any], image: NDArray[Any]) -> Iterator[Scores]:
        for convention in self.comparison.conventions:
            agreement = convention.compare(truth, image)
            for index in convention.units(len(subject.slices)):
                yield agreement.scores(index)
            for annotation in self.comparison.boxes[subject.name]:
                index = subject.slices.index(annotation.slice)
                yield agreement.scores(index, annotation.box(subject.field_of_view))


def _shown(subject: Subject, images: NDArray[Any]) -> NDArray[Any]:
    """The part of images ``(slices, H, W)`` that is scored."""
    return images[:, *central(images.shape[-2:], subject.field_of_view)]
