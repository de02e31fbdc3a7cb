"""Slices of which nothing was seen, such as a volume's padded ends: the others are learnt from as if alone."""

import numpy as np
import pytest

from invdiff.data import radial, shepp_logan, simulate, simulate_along
from invdiff.data.masks import equispaced
from invdiff.data.scan import CoilData
from invdiff.reconstruction import scan_cases

SHAPE = (32, 28)
IMAGES = np.stack([shepp_logan(SHAPE), shepp_logan(SHAPE)[::-1], shepp_logan(SHAPE)])
SCANS: dict[str, CoilData] = {
    "sense": simulate(IMAGES, coils=4, mask=equispaced(SHAPE, 2, 14), noise_std=0.01),
    "non-cartesian": simulate_along(IMAGES, radial(40, 64), coils=4, noise_std=0.01),
}


@pytest.mark.parametrize("operator", SCANS)
def test_nothing_is_learnt_from_them(operator: str) -> None:
    scan = SCANS[operator].changed(maps=None, noise_std=None, ground_truth=None)
    kspace = scan.kspace.copy()
    kspace[0] = 0
    found, alone = scan_cases(scan.changed(kspace=kspace), operator), scan_cases(scan.select([1, 2]), operator)
    assert found.slices == (0, 1, 2)
    assert found.empty == {0}
    assert found.noise_std == pytest.approx(alone.noise_std)
    np.testing.assert_array_equal(found.prepared(1).maps, alone.prepared(0).maps)
    assert not found.zero_filled_of(0).any()


def test_maps_of_one_slice_and_data_of_another_leave_nothing() -> None:
    scan = SCANS["sense"].select([0, 1])
    assert scan.maps is not None
    kspace, maps = scan.kspace.copy(), scan.maps.copy()
    kspace[0], maps[1] = 0, 0
    assert scan_cases(scan.changed(kspace=kspace, maps=maps), "sense").empty == {0, 1}
