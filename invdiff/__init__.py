"""Reconstruct MR images from undersampled measurements with diffusion priors.

The names below load on first use, so that ``import invdiff`` takes milliseconds: torch comes with the first of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invdiff import (
        bridges,
        classical,
        data,
        diffusion,
        evaluation,
        methods,
        metrics,
        operators,
        pictures,
        priors,
        reconstruction,
        testing,
        training,
        tuning,
        verification,
    )
    from invdiff.diffusion import Posterior, Sampler
    from invdiff.errors import InputError
    from invdiff.priors import load_prior
    from invdiff.problem import Problem

    __version__: str

__all__ = [
    "InputError",
    "Posterior",
    "Problem",
    "Sampler",
    "__version__",
    "bridges",
    "classical",
    "data",
    "diffusion",
    "evaluation",
    "load_prior",
    "methods",
    "metrics",
    "operators",
    "pictures",
    "priors",
    "reconstruction",
    "testing",
    "training",
    "tuning",
    "verification",
]

_EXPORTS = {
    "InputError": "invdiff.errors",
    "Posterior": "invdiff.diffusion",
    "Problem": "invdiff.problem",
    "Sampler": "invdiff.diffusion",
    "load_prior": "invdiff.priors",
}
_SUBPACKAGES = {
    "bridges",
    "classical",
    "data",
    "diffusion",
    "evaluation",
    "methods",
    "metrics",
    "operators",
    "pictures",
    "priors",
    "reconstruction",
    "testing",
    "training",
    "tuning",
    "verification",
}

if not TYPE_CHECKING:  # a type checker that saw this would accept any name

    def __getattr__(name: str) -> object:
        from importlib import import_module, metadata

        if name == "__version__":
            return metadata.version("invdiff")
        if name in _SUBPACKAGES:
            return import_module(f"invdiff.{name}")
        if name in _EXPORTS:
            return getattr(import_module(_EXPORTS[name]), name)
        raise AttributeError(f"module 'invdiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
