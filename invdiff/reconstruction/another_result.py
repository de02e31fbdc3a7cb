"""The result of something else where a run would write its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from invdiff.errors import InputError
from invdiff.files.hdf5 import attributes_of, reading
from invdiff.reconstruction.run_record import read_record

TOLD = {
    "input": "the scan",
    "data": "the scan's numbers",
    "operator": "the operator",
    "method": "the method",
    "parameters": "its parameters",
    "samples_method": "the method of samples",
    "samples_parameters": "the parameters of samples",
    "prior": "the prior",
    "prior_weights": "the prior's weights",
    "seed": "the seed",
    "count": "the number drawn",
    "size": "the size",
    "acceleration": "the acceleration",
    "precision": "the precision",
    "torch_version": "the version of torch",
    "numpy_version": "the version of NumPy",
}
"""Attributes of a result by which a user knows it apart, in words."""

_OF_TABLES = {"command": "the command"}
_SHOWN = 200


def refuse_another(path: Path, asked: Mapping[str, Any]) -> None:
    """Refuse a place where something else is finished already; what an interrupted run left there may be replaced.

    Args:
        path: where a result would be written.
        asked: its attributes, as far as they are known.

    Raises:
        InputError: a finished result is there; the sentence says in what it differs.
    """
    try:
        with reading(path) as file:
            there = attributes_of(file)
    except InputError:  # missing, or damaged
        return
    if there.get("fingerprint") in (None, "", asked.get("fingerprint")):
        return
    why = "; ".join(_differences(there, asked, TOLD)) or "its slices, number of samples, data or audit are others"
    raise _refusal(path, why)


def refuse_another_table(path: Path, asked: Mapping[str, Any]) -> None:
    """Refuse the place of a table that was made in another way, by the record beside it.

    Args:
        path: where a table would be written.
        asked: how it would be made, as `write_record` keeps it.

    Raises:
        InputError: a table is there that was made otherwise, or beside which nothing says how.
    """
    if not path.exists():
        return
    there = read_record(path.parent)
    if there is None:
        raise _refusal(path, "nothing beside it says how it was made")
    why = "; ".join(_differences(there, asked, TOLD)) or "; ".join(_differences(there, asked, _OF_TABLES))
    if why:
        raise _refusal(path, why)


def _refusal(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} holds the result of another run: {why}. Choose another folder, or replace it with --force."
    )


def _differences(there: Mapping[str, Any], asked: Mapping[str, Any], named: Mapping[str, str]) -> Iterator[str]:
    for name, words in named.items():
        old, new = (str(said.get(name, "")) for said in (there, asked))
        if name not in there or name not in asked or old == new:
            continue
        if name.endswith("parameters"):
            before, after = old.split(), new.split()
            old = " ".join(word for word in before if word not in after)
            new = " ".join(word for word in after if word not in before)
        yield f"{words} {'was' if not words.endswith('s') else 'were'} {_short(old)}, not {_short(new)}"


def _short(text: str) -> str:
    return f"{text[:_SHOWN]}..." if len(text) > _SHOWN else text or "the usual"
