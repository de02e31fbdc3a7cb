import numpy as np
import pytest

from invdiff.data import combine, eigenmaps, shepp_logan, simulate, to_image
from invdiff.errors import InputError

KSPACE = simulate(shepp_logan((48, 40)), coils=5, noise_std=1e-3, seed=1).kspace[0]


def test_first_set_is_sigpys() -> None:
    from sigpy.mri.app import EspiritCalib

    ours = eigenmaps(KSPACE, (24, 24)).maps(0.9, 1)[0]
    theirs = EspiritCalib(KSPACE.copy(), calib_width=24, crop=0.9, max_iter=300, show_pbar=False).run()
    both = np.abs(ours).any(axis=0) & np.abs(theirs).any(axis=0)
    assert np.mean(np.abs(ours).any(axis=0) != np.abs(theirs).any(axis=0)) < 0.01
    overlap = np.abs((ours.conj() * theirs).sum(axis=0))[both]  # one where equal up to a phase
    assert np.quantile(overlap, 0.05) > 0.999
    other = np.abs((ours[::-1].conj() * theirs).sum(axis=0))[both]
    assert np.quantile(other, 0.05) < 0.99


def test_vectors_are_orthonormal_and_values_ordered() -> None:
    found = eigenmaps(KSPACE, (24, 20), sets=3)
    gram = np.einsum("schw,tchw->sthw", found.vectors.conj(), found.vectors)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3)[..., None, None], gram.shape), atol=1e-5)
    assert (np.diff(found.values, axis=0) <= 1e-6).all()
    assert found.values.min() > -1e-4
    assert found.values.max() < 1 + 1e-4


def test_the_principal_coil_sees_every_vector_real_and_positive() -> None:
    found = eigenmaps(KSPACE, (24, 20), sets=3)
    height, width = KSPACE.shape[1:]
    centre = KSPACE[:, height // 2 - 12 : height // 2 + 12, width // 2 - 10 : width // 2 + 10]
    principal = np.linalg.svd(centre.reshape(len(centre), -1), full_matrices=False)[0][:, 0]
    seen = np.einsum("c,schw->shw", principal.conj(), found.vectors)
    turned = seen * np.exp(-1j * np.angle(seen[0, height // 2, width // 2]))  # its own phase is free
    np.testing.assert_allclose(turned.imag, 0, atol=1e-4)
    assert (turned.real >= -1e-4).all()


def test_the_phase_does_not_depend_on_the_order_of_coils() -> None:
    there, back = eigenmaps(KSPACE, (24, 20)).vectors, eigenmaps(KSPACE[::-1].copy(), (24, 20)).vectors[:, ::-1]
    free = (there * back.conj()).sum((0, 1))
    np.testing.assert_allclose(np.abs(free / np.abs(free) - free.sum() / np.abs(free.sum())).max(), 0, atol=1e-2)


def test_noise_that_is_known_does_not_become_a_map() -> None:
    scan = simulate(shepp_logan((32, 28)), coils=4, noise_std=0.01)
    images = to_image(scan.kspace[0])

    def unexplained(noise_std: float) -> float:
        maps = eigenmaps(scan.kspace[0], (32, 12), noise_std=noise_std).maps(0.9, 1)[0]
        return float(np.linalg.norm(images - maps * combine(images, maps)) / np.linalg.norm(images))

    assert unexplained(0.01) < 0.12
    assert unexplained(0.0) > 0.5  # patches of pure noise fill the subspace


def test_blocks_of_rows_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = eigenmaps(KSPACE, (24, 24))
    monkeypatch.setattr("invdiff.data.espirit._BLOCK_BYTES", 1)
    by_rows = eigenmaps(KSPACE, (24, 24))
    np.testing.assert_allclose(by_rows.values, whole.values, atol=1e-5)


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"5 coil\(s\) tell at most 5 map set\(s\) apart, not 6"):
        eigenmaps(KSPACE, (24, 24), sets=6)
    with pytest.raises(InputError, match="slice by slice"):
        eigenmaps(KSPACE[None], (24, 24))
    with pytest.raises(InputError, match="at least 6 x 6"):
        eigenmaps(KSPACE, (24, 5))
