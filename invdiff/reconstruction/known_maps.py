"""The coil maps of a scan that explain samples which they were not made from best."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor

from invdiff.diffusion.sampler import scale_of
from invdiff.errors import InputError
from invdiff.files.digest import digest_of
from invdiff.operators import Sensitivities, Subsample
from invdiff.priors import Prior
from invdiff.problem import Problem
from invdiff.reconstruction.audit.held_back import held_samples
from invdiff.reconstruction.cases import Cases, ScanCases
from invdiff.reconstruction.cases.scans import SEEN
from invdiff.reconstruction.forecast import Forecast, forecast
from invdiff.reconstruction.joint import Joint
from invdiff.reconstruction.known_noise import coarse_estimate, not_yet
from invdiff.reconstruction.preparation import HeldBack, with_map_sets
from invdiff.reconstruction.store import MemoryStore, Store
from invdiff.reconstruction.trial import Measure
from invdiff.reconstruction.units import Arrays, Drawing

_SHARE = 0.12  # of what was sampled outside the calibration region, to hold back
_CLEARLY = 3.0  # standard errors by which other maps must be better than those at hand


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Maps, and the power that a reconstruction through them leaves of each of the samples held back."""

    sets: int
    is_refined: bool
    left: Tensor

    @property
    def norm(self) -> float:
        """Norm of what is left."""
        return float(self.left.sum().sqrt())

    def is_clearly_better(self, other: "_Candidate") -> bool:
        """Whether it leaves less by more than chance: most samples far out are noise, to both alike."""
        less = other.left - self.left
        return float(less.sum()) > _CLEARLY * float(less.square().sum().sqrt())


def known_maps(cases: Cases, prior: Prior, *, store: Store | None = None) -> Cases:
    """The cases with the maps that explain samples held back best: as estimated, of one set or two, or refined with the
    image (see `Joint`).

    What suits the brightest slice suits all; the maps of each are then refined by its own data, when its problem is
    made. Takes 20 network calls for each choice of maps, and 20 more a slice where refined ones are taken.

    Args:
        cases: of a scan whose maps are in doubt, or that were asked to be refined; else they are handed back as they
            are.
        prior: of the reconstructions, coarse ones by `estimate`.
        store: remembers what was found.
    """
    if not _are_in_doubt(cases):
        return cases
    joint = Joint(prior, coarse_estimate(cases, prior))

    def find() -> Arrays:
        try:
            first, *others = _candidates(cases, joint)
        except InputError:  # too few samples to hold some back
            return {}
        best = min(others, key=lambda each: each.norm)
        chosen = best if best.is_clearly_better(first) else first
        best_estimated = min(each.norm for each in (first, *others) if not each.is_refined)
        best_refined = min(each.norm for each in others if each.is_refined)
        return {
            "sets": np.array(chosen.sets),
            "is_refined": np.array(chosen.is_refined),
            "gain": np.array(best_estimated / best_refined),
        }

    return _remembered(cases, joint, store or MemoryStore(), find)


def maps_forecast(cases: Cases, prior: Prior, store: Store, measure: Measure) -> tuple[Cases, Forecast]:
    """The cases as `known_maps` would give them where it has looked before, and what it will take where it has not, if
    refined maps are taken.

    Args:
        cases: of a scan, else they are handed back as they are.
        prior: of the reconstructions.
        store: of what was found.
        measure: tries what a reconstruction costs.

    Raises:
        InputError: parts do not fit.
    """
    if not _are_in_doubt(cases):
        return cases, Forecast()
    joint = Joint(prior, coarse_estimate(cases, prior))
    try:
        return _remembered(cases, joint, store, not_yet), Forecast()
    except LookupError:
        one = forecast(Drawing(cases.of(cases.full[:1]), joint.sampler, prior), 1, measure=measure)
        runs = 2 * len(cases.map_choices) + len(cases.full)
        return cases, Forecast(
            network_calls=runs * one.network_calls, seconds=runs * one.seconds, peak_bytes=one.peak_bytes
        )


def _are_in_doubt(cases: Cases) -> TypeGuard[ScanCases]:
    return isinstance(cases, ScanCases) and bool(cases.map_choices)


def _remembered(cases: ScanCases, joint: Joint, store: Store, find: Callable[[], Arrays]) -> Cases:
    found = store.recall("maps", digest_of(*joint.decided, cases.fingerprint(cases.brightest))[:32], find)
    if not found:
        return replace(cases, map_choices=())
    assert cases.preparation is not None
    learnt, preparation = with_map_sets(cases.learnt, cases.preparation, int(found["sets"]))
    told = HeldBack(bool(found["is_refined"]), float(found["gain"]))
    preparation = replace(preparation, held_back=told)
    return replace(
        cases, learnt=learnt, preparation=preparation, map_choices=(), joint=joint if told.is_refined else None
    )


def _candidates(cases: ScanCases, joint: Joint) -> Iterator[_Candidate]:
    """The maps at hand, then all others."""
    assert cases.preparation is not None
    assert cases.preparation.calibration is not None
    at_hand = cases.preparation.calibration.sets
    position = cases.learnt_from.index(cases.brightest)
    seen, scan = SEEN[cases.operator], cases.learnt.select([position])
    noise_std, transform, y = cases.preparation.noise_std, seen.transform(scan), seen.samples(scan)
    held = torch.from_numpy(cases.hold_back(_SHARE, 0, 1).copy())
    hidden = held_samples(seen.problem(scan, noise_std), held)
    kept = Subsample(~hidden) @ transform

    def left(maps: Tensor, image: Tensor) -> Tensor:
        rest = y[:, hidden] - (Subsample(hidden) @ transform @ Sensitivities(maps))(image)
        return (rest.abs().double() / float(y.abs().max())).square()

    others = () if cases.initial is not None else cases.map_choices  # an image to start from is of the sets at hand
    for sets in dict.fromkeys((at_hand, *others)):
        learnt, _ = with_map_sets(cases.learnt, cases.preparation, sets)
        assert learnt.maps is not None
        maps = torch.tensor(learnt.maps[position])
        problem = Problem(kept @ Sensitivities(maps), y[:, ~hidden], noise_std).to(joint.prior.device)
        problem = problem.with_scale(scale_of(problem, joint.prior))
        image = joint.sampler(problem, joint.prior).samples[0]
        yield _Candidate(sets, False, left(maps, image.cpu()))
        refined, image = joint(y[:, ~hidden], kept, maps, noise_std)
        yield _Candidate(sets, True, left(refined.cpu(), image.cpu()))
