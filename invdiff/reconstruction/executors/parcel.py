"""What travels between processes: work on the way out, results with their warnings on the way back."""

import pickle
import traceback
import warnings
from typing import Any

from invdiff.errors import InputError
from invdiff.reconstruction.executors.executor import T, Work, unheard

_told: dict[Any, Any] = {}  # what `warnings` remembers, so that a warning of many workers is shown once


def packed(work: Work[T, Any]) -> bytes:
    """Pickled work.

    Plain pickle copies tensors; the picklers of process pools would share their memory, which small containers lack.

    Raises:
        InputError: it can't be pickled.
    """
    try:
        return pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"Other processes can't be sent this work, as part of it can't be pickled ({error}); define functions and "
            "classes at the top level of a module, or compute it in this process."
        ) from error


def unpacked(parcel: bytes) -> Work[Any, Any]:
    """The work in a parcel."""
    work: Work[Any, Any] = pickle.loads(parcel)
    return work


def answered(work: Work[T, Any], item: T) -> bytes:
    """The pickled result of an item or the error that came of it, and what was warned of."""
    result: Any = None
    error: Exception | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # the process that opens the answer knows which are to be shown
        try:
            result = work(item, unheard)
        except InputError as refusal:
            error = refusal
        except Exception as failure:
            error = _sendable(failure)
    warned = [(str(each.message), each.category, each.filename, each.lineno) for each in caught]
    return pickle.dumps((result, error, warned))


def opened(answer: bytes) -> Any:
    """The result in an answer; what was warned of is warned of here, and an error is raised."""
    result, error, warned = pickle.loads(answer)
    for message, category, filename, line in warned:
        warnings.warn_explicit(message, category, filename, line, registry=_told)
    if error is not None:
        raise error
    return result


def _sendable(failure: Exception) -> Exception:
    """The error with its traceback as a note, or as a `RuntimeError` where it does not survive pickling."""
    told = "".join(traceback.format_exception(failure))
    failure.add_note(f"In a worker:\n{told}")
    try:
        pickle.loads(pickle.dumps(failure))
    except Exception:
        return RuntimeError(told)
    return failure
