"""NumPy stacks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from invdiff.files.damage import read_as
from invdiff.training.sources.folders import FolderSource
from invdiff.training.sources.volumes import Volume, check_stack


class NpyImages(FolderSource):
    """Stacks ``(N, H, W)`` or single images ``(H, W)``, real or complex, one a ``.npy`` file."""

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    kind: Literal["npy"] = Field("npy", description="NumPy stacks (N, H, W), real or complex.")

    def volume(self, file: Path) -> Volume:
        return _NpyVolume(file)


@dataclass(frozen=True)
class _NpyVolume(Volume):
    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self, which: slice = slice(None)) -> NDArray[Any]:
        with read_as("a NumPy array", self.path):
            stack = np.load(self.path, mmap_mode="r", allow_pickle=False)
            stack = stack[None] if stack.ndim == 2 else stack
        check_stack(stack.shape, stack.dtype, self.name)
        return np.array(stack[which])
