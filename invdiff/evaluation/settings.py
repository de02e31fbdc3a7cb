"""Parameters of several methods, given in one list of texts."""

from collections.abc import Mapping, Sequence

from invdiff.errors import InputError
from invdiff.methods import Method
from invdiff.methods.places import is_place


def share_settings(pairs: Sequence[str], methods: Sequence[Method]) -> Mapping[str, dict[str, str]]:
    """The parameters of each method by its name: ``method.key=value`` is one method's, ``key=value`` of all that have
    it. A key is a parameter, or a place in the sampler, as `Method.with_settings` takes them.

    Raises:
        InputError: a text is neither, or names a method that is not there or a parameter that none of them has.
    """
    shared: dict[str, dict[str, str]] = {method.name: {} for method in methods}

    def is_of_one(pair: str) -> bool:
        place = pair.split("=")[0].strip()
        return "." in place and not is_place(place)

    for pair in sorted(pairs, key=is_of_one):  # what is said of one method comes last
        if "=" not in pair:
            raise InputError(f"--set takes KEY=VALUE or METHOD.KEY=VALUE, such as --set fast.steps=50, not {pair!r}.")
        place, value = (part.strip() for part in pair.split("=", 1))
        name, _, key = place.partition(".") if is_of_one(pair) else ("", "", place)
        if name and name not in shared:
            raise InputError(f"--set {pair} is for the method {name!r}, but those compared are {', '.join(shared)}.")
        having = [
            method for method in methods if name in ("", method.name) and (key in method.defaults or is_place(key))
        ]
        if not having:
            of = name or "none of the methods"
            raise InputError(
                f"--set {pair}: {of} has {'no' if name else 'a'} parameter {key!r}; see `invdiff methods`."
            )
        for method in having:
            shared[method.name][key] = value
    return shared
