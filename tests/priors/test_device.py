"""Where a prior computes."""

import pytest
import torch

from invdiff import load_prior
from invdiff.errors import InputError
from invdiff.priors.device import check_device


def test_a_prior_is_loaded_to_its_device() -> None:
    assert load_prior("builtin", device="meta").device == torch.device("meta")
    assert load_prior("builtin").device == torch.device("cpu")


@pytest.mark.parametrize("name", ["toaster", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused_before_the_file_is_read(name: str) -> None:
    with pytest.raises(InputError, match=f"There is no device '{name}' here .*; take the device cpu"):
        load_prior("missing.pt", device=name)


def test_elsewhere_a_device_need_but_have_a_name() -> None:
    check_device("cuda:99", here=False)
    with pytest.raises(InputError):
        check_device("toaster", here=False)
