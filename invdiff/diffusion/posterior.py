"""What a sampler returns."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from invdiff.errors import InputError
from invdiff.files.atomic import atomic
from invdiff.operators.conjugate_gradient import Solution
from invdiff.operators.trace import Trace

_METADATA_KEY = "invdiff"


class _Beside(BaseModel):
    """All of a posterior but its samples."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    is_complex: bool
    scale: FiniteFloat
    nfe: NonNegativeInt
    sigmas: tuple[FiniteFloat, ...]
    solves: tuple[Solution, ...]


@dataclass(frozen=True)
class Posterior:
    """Samples of the image given the measurement, in the measurement's units.

    Attributes:
        samples: ``(samples, *image)``, complex or real as the method's signal.
        scale: the intensity that the prior saw as one.
        nfe: network calls for each sample.
        sigmas: the noise levels visited, highest first.
        trace: what happened beside the states.
    """

    samples: Tensor = field(repr=False)
    scale: float
    nfe: int
    sigmas: tuple[float, ...] = field(repr=False)
    trace: Trace = field(default_factory=Trace, repr=False)

    @property
    def mean(self) -> Tensor:
        """The mean of the samples, ``image``."""
        return self.samples.mean(0)

    @property
    def std(self) -> Tensor:
        """Pixelwise standard deviation, real ``image``: sqrt of the mean of abs(x - mean)^2 with n - 1; zero for one
        sample."""
        if len(self.samples) == 1:
            return torch.zeros_like(self.samples[0].abs())
        squares = (self.samples - self.mean).abs().square()
        return (squares.sum(0) / (len(self.samples) - 1)).sqrt()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to one file, whole or not at all: ``samples`` as they are, or with a last axis of real and
        imaginary parts where they are complex, and the rest as JSON in the file's metadata.

        Args:
            path: ``.safetensors``; an existing file is replaced.

        Raises:
            InputError: the path has another suffix, or can't be written.
        """
        path = Path(path)
        if path.suffix != ".safetensors":
            raise InputError(f"{path} can't be written: its name should end in .safetensors.")
        samples = self.samples.detach().cpu()
        beside = _Beside(
            is_complex=samples.is_complex(),
            scale=self.scale,
            nfe=self.nfe,
            sigmas=self.sigmas,
            solves=tuple(self.trace.solves),
        )
        tensor = torch.view_as_real(samples.resolve_conj()) if samples.is_complex() else samples
        with atomic(path) as temporary:
            try:
                save_file(
                    {"samples": tensor.contiguous()}, temporary, metadata={_METADATA_KEY: beside.model_dump_json()}
                )
            except (OSError, SafetensorError) as error:  # it reports a full disk in many ways
                raise InputError(f"{path} can't be written: {error}.") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """What `save` wrote, on the CPU.

        Raises:
            InputError: there is no such file, it is damaged, or it holds something else.
        """
        path = Path(path)
        if not os.path.isfile(path):  # which answers for a name that is longer than any file's, too
            raise InputError(f"{path} is not a file; give the path of a posterior that was saved.")
        try:
            with safe_open(path, framework="pt") as file:
                text = (file.metadata() or {}).get(_METADATA_KEY, "")
                samples = file.get_tensor("samples") if "samples" in file.keys() else torch.zeros(0)  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path} is no whole safetensors file ({error}).") from error
        try:
            beside = _Beside.model_validate_json(text)
        except ValidationError as error:
            raise InputError(f"{path} holds no posterior that was saved, or is damaged.") from error
        parts = samples.shape[-1:] == (2,) if beside.is_complex else True
        if samples.dtype not in (torch.float32, torch.float64) or samples.ndim < 2 + beside.is_complex or not parts:
            raise InputError(
                f"{path} holds samples of {samples.dtype} and shape {tuple(samples.shape)}; it is damaged."
            )
        if not samples.isfinite().all():
            raise InputError(f"{path} holds samples that are NaN or infinite; it is damaged.")
        made = torch.view_as_complex(samples) if beside.is_complex else samples
        return cls(made, beside.scale, beside.nfe, beside.sigmas, Trace(list(beside.solves)))
