"""What tables and figures call a method that was run with several priors."""

from invdiff.evaluation.labels import labelled


def test_a_prior_is_named_where_there_are_several_of_one_method() -> None:
    rows = [
        {"method": "fast", "prior": "builtin", "psnr": "1"},
        {"method": "fast", "prior": "mine", "psnr": "2"},
        {"method": "dds", "prior": "builtin", "psnr": "3"},
        {"method": "tv", "prior": "", "psnr": "4"},
    ]
    assert [row["method"] for row in labelled(rows)] == ["fast, builtin", "fast, mine", "dds", "tv"]
    assert [row["psnr"] for row in labelled(rows)] == ["1", "2", "3", "4"]
    assert labelled(rows[1:]) == rows[1:]


def test_paths_are_shortened_as_far_as_they_stay_apart() -> None:
    rows = [{"method": "fast", "prior": prior} for prior in ("builtin", "/a/b/one.pt", "/a/c/two.pt")]
    assert [row["method"] for row in labelled(rows)] == ["fast, builtin", "fast, one.pt", "fast, two.pt"]
    rows = [{"method": "fast", "prior": prior} for prior in ("/a/b/one.pt", "/a/c/one.pt")]
    assert [row["method"] for row in labelled(rows)] == ["fast, b", "fast, c"]
    rows = [{"method": "fast", "prior": prior} for prior in ("mine/best.pt", "yours/best.pt", "builtin")]
    assert [row["method"] for row in labelled(rows)] == ["fast, mine", "fast, yours", "fast, builtin"]
    rows = [{"method": "fast", "prior": prior} for prior in ("a/b/one.pt", "a/c/one.pt", "a/c/two.pt")]
    assert [row["method"] for row in labelled(rows)] == ["fast, b/one.pt", "fast, c/one.pt", "fast, c/two.pt"]
    rows = [{"method": "fast", "prior": prior} for prior in ("one.pt", "one.safetensors", "./one.pt")]
    assert len({row["method"] for row in labelled(rows)}) == 3
