"""Names of tables, read off the source that makes them: nothing of it is imported, so that a shell need not wait for
torch."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Source:
    """A module of the package as text.

    Args:
        name: with dots, below ``invdiff``, such as ``data.masks``.
    """

    name: str

    @cached_property
    def _tree(self) -> ast.Module:
        return ast.parse(_PACKAGE.joinpath(*self.name.split(".")).with_suffix(".py").read_text(encoding="utf-8"))

    def literal(self, name: str) -> Any:
        """The value of a constant that is written out."""
        return ast.literal_eval(self._value(name))

    def rows(self, table: str) -> Iterator[tuple[str, ast.expr]]:
        """The keys of a dictionary that is written out, and what stands at them."""
        value = self._value(table)
        assert isinstance(value, ast.Dict)
        for key, row in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), row

    def made(self, table: str) -> Iterator[str]:
        """The names of rows that calls make: texts that come first, as in ``Kind("sense", ...)``, or the ``name`` of
        the class that is called."""
        for call in ast.walk(self._value(table)):
            if not isinstance(call, ast.Call):
                continue
            if not call.args:
                yield from self._own_name(call.func)
                continue
            first = call.args[0]
            if isinstance(first, ast.Name) and first.id.isupper():
                yield str(self.literal(first.id))
            elif isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value

    def decorated(self, decorator: str) -> Iterator[tuple[str, list[str]]]:
        """The functions under a decorator that is called, with the names of their parameters."""
        for node in self._tree.body:
            if isinstance(node, ast.FunctionDef):
                calls = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
                if any(isinstance(called, ast.Name) and called.id == decorator for called in calls):
                    yield node.name, [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]

    def _own_name(self, made: ast.expr) -> Iterator[str]:
        """The ``name`` that a class of this module has itself."""
        for node in self._tree.body:
            if isinstance(node, ast.ClassDef) and isinstance(made, ast.Name) and node.name == made.id:
                for said in node.body:
                    match said:
                        case ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str(name))):
                            yield name

    def _value(self, name: str) -> ast.expr:
        """What is assigned to a name, here or in the module that it is imported from."""
        for node in self._tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    return value
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                    return value
                case ast.ImportFrom(module=str(module), names=names) if name in [each.name for each in names]:
                    return Source(module.removeprefix("invdiff."))._value(name)
        raise LookupError(f"{self.name} assigns nothing to {name}.")


def modules_in(package: str) -> list[Source]:
    """The modules of a package, such as ``methods``, and of those in it."""
    found = sorted(_folder(package).rglob("*.py"))
    return [Source(".".join(path.relative_to(_PACKAGE).with_suffix("").parts)) for path in found]


def heirs(package: str, base: str) -> set[str]:
    """The names of a class and of all that inherit from it, in the modules of a package."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in _folder(package).rglob("*.py"))
    declared = re.findall(r"^class (\w+)\(([^)]*)\)", text, re.MULTILINE)
    bases = {name: set(re.findall(r"\w+", of)) for name, of in declared}
    found: set[str] = set()
    more = {base}
    while more - found:
        found |= more
        more = {name for name, of in bases.items() if of & found}
    return found


def stems(package: str, suffix: str) -> list[str]:
    """The names of the files beside a package's modules that end so, without the end."""
    return sorted(path.stem for path in _folder(package).glob(f"*{suffix}"))


def _folder(package: str) -> Path:
    return _PACKAGE.joinpath(*package.split("."))
