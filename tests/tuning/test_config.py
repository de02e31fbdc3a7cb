from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invdiff.errors import InputError
from invdiff.methods import find_method
from invdiff.tuning import MethodConfig, read_config, write_config

VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.sampled_from(["split", "yes", "1e3", ""])
)

LAUGHS = b"method: fast\nsearch:\n a: &a [1, 1, 1, 1]\n" + b"".join(
    b" %c: &%c [*%c, *%c, *%c, *%c]\n" % (name, name, *[name - 1] * 4) for name in b"bcdefg"
)
"""Aliases of aliases: few bytes, and many values."""


@given(settings=st.dictionaries(st.sampled_from(["steps", "lam", "signal"]), VALUES))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, bool | int | float | str]) -> None:
    path = tmp_path_factory.mktemp("config") / "best.yaml"
    config = MethodConfig(method="fast", settings=settings, search={"trials": 20, "space": {"lam": [0.0, 1.0]}})
    write_config(config, path)
    back = read_config(path)
    assert back == config
    assert [*map(repr, back.settings.values())] == [*map(repr, settings.values())]  # 1 is not True, nor 1.0
    assert [file.name for file in path.parent.iterdir()] == ["best.yaml"]


def test_texts_make_a_sampler() -> None:
    config = MethodConfig(method="fast", settings={"steps": 7, "noise_floor": 1e-7, "signal": "two"})
    sampler = find_method(config.method).with_settings(config.texts)
    assert sampler.nfe == 7
    assert "1e-07" in repr(sampler)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file: Input should be"),
        (b"- fast", "the file: Input should be"),
        (b"settings: {lam: 1}", "method: Field required"),
        (b"method: fast\nmagic: 1", "magic: Extra inputs"),
        (b"method: fast\nsettings: {lam: [1]}", r"settings\.lam"),
        (b"method: [fast", "no YAML"),
        (b"\xff\xfe\xff", "no YAML"),
        (b"method: !!python/object/apply:os.getcwd []", "no YAML"),
        (LAUGHS, "stands for more than 10,000 values"),
        (b"method: !!timestamp x", "no YAML"),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "best.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as refused:
        read_config(path)
    assert "\n" not in str(refused.value)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read: No such file"):
        read_config(tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match="no regular file"):
        read_config(tmp_path)
    with pytest.raises(InputError, match="can't be written"):
        write_config(MethodConfig(method="fast"), tmp_path / "nowhere" / "best.yaml")
