"""Posteriors on disk."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from invdiff.diffusion import Posterior
from invdiff.errors import InputError
from invdiff.operators.conjugate_gradient import Solution
from invdiff.operators.trace import Trace

DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def posterior(shape: tuple[int, ...] = (2, 3, 4), dtype: torch.dtype = torch.complex64, seed: int = 0) -> Posterior:
    samples = torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    solves = [Solution(3, 1e-7, True), Solution(1000, float("inf"), False)]
    return Posterior(samples, 0.1 + seed, 30, (378.0, 0.1 + 0.2, 0.0), Trace(solves))


def is_same(one: Posterior, other: Posterior) -> bool:
    beside = [(each.scale, each.nfe, each.sigmas, each.trace, each.samples.dtype) for each in (one, other)]
    return beside[0] == beside[1] and torch.equal(one.samples, other.samples)


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 3), st.sampled_from(DTYPES), st.integers(0, 9)
)
def test_what_is_loaded_is_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, image: list[int], samples: int, dtype: torch.dtype, seed: int
) -> None:
    path = tmp_path_factory.mktemp("posterior") / "posterior.safetensors"
    made = posterior((samples, *image), dtype, seed)
    made.save(path)
    assert is_same(Posterior.load(path), made)
    assert not is_same(Posterior.load(path), posterior((samples, *image), dtype, seed + 1))
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_views_of_samples_are_saved_as_they_are(tmp_path: Path) -> None:
    whole = posterior((4, 3, 2))
    for view in (whole.samples[::2].mH, whole.samples.conj(), whole.samples.expand(4, 3, 2)):
        made = Posterior(view, 1.0, 1, (1.0,))
        made.save(tmp_path / "a.safetensors")
        assert is_same(Posterior.load(tmp_path / "a.safetensors"), made)


def test_files_that_are_no_posterior_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"should end in \.safetensors"):
        posterior().save(tmp_path / "a.pt")
    with pytest.raises(InputError, match="can't be written"):
        posterior().save(tmp_path / "nowhere" / "a.safetensors")
    for name in ("nowhere", "n" * 300):
        with pytest.raises(InputError, match="is not a file"):
            Posterior.load(tmp_path / name)
    save_file({"samples": torch.ones(2, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="holds no posterior"):
        Posterior.load(tmp_path / "other.safetensors")
    path = tmp_path / "a.safetensors"
    posterior().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(InputError, match="no whole safetensors file"):
        Posterior.load(path)
    path.write_bytes(whole[:-4] + b"\xff" * 4)  # the last number, as NaN
    with pytest.raises(InputError, match="NaN or infinite"):
        Posterior.load(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"is_complex\\":true', b'"is_complex\\":null', "holds no posterior"),
        (b"[2,3,4,2]", b"[2,3,2,4]", "samples of torch.float32 and shape"),
        (b'"F32"', b'"I32"', "samples of torch.int32"),
        (b'"samples"', b'"sampels"', "samples of torch.float32 and shape"),
    ],
)
def test_a_header_that_contradicts_the_samples_is_refused(tmp_path: Path, old: bytes, new: bytes, words: str) -> None:
    path = tmp_path / "a.safetensors"
    posterior().save(path)
    whole = path.read_bytes()
    changed = whole.replace(old, new)
    assert changed != whole
    path.write_bytes(changed)
    with pytest.raises(InputError, match=words):
        Posterior.load(path)
