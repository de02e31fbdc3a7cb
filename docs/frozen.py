"""Show what `invdiff.operators.frozen.Frozen` makes dataclasses with their fields as parameters."""

from typing import Any

from griffe import Class, Decorator, Expr, ExprName, Extension


class FrozenClasses(Extension):
    """The reference is made from code that is read, not run, so it sees a dataclass where it sees the decorator."""

    def on_class_instance(self, *, cls: Class, **_: Any) -> None:
        """Decorate a class that names `Frozen` among its bases."""
        bases = [base.canonical_path for base in cls.bases if isinstance(base, Expr)]
        if "invdiff.operators.frozen.Frozen" in bases:
            cls.decorators.append(Decorator(ExprName("dataclasses.dataclass"), lineno=None, endlineno=None))
            cls.labels.add("dataclass")
