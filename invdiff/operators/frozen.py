"""Classes whose fields are all that they are."""

from dataclasses import dataclass
from typing import Any, dataclass_transform


@dataclass_transform(eq_default=False, frozen_default=True)
class Frozen:
    """A base that makes every class which names it a frozen dataclass that prints as its class says and equals itself
    alone, since tensors have no one answer to ``==``.

    A class that inherits it through another stays as it is written, plain or decorated.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if Frozen in cls.__bases__:
            dataclass(frozen=True, eq=False, repr=False)(cls)
