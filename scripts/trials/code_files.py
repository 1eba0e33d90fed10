"""3 and 22: codes in files, of this program and of others."""

import numpy as np

from pictures import fill


def codes_of_encode(trials, row):
    """3: what encode wrote can be used everywhere, whatever else is in the file."""
    folder = trials.fresh("codes")
    (folder / "pictures").mkdir()
    fill(folder / "pictures", 3, size=(64, 64))
    trials.idgan("encode", "sprites-64", "--images", folder / "pictures", "--out", folder / "encoded.npz")
    c = np.random.default_rng(0).normal(size=(4, 10)).astype("f4")
    np.savez(folder / "texts.npz", c=c, labels=np.array([["a", "b"]] * 4), files=np.array(["x"] * 4))
    np.savez(folder / "records.npz", c=c, landmarks=np.zeros((4, 2), dtype=[("x", "f4"), ("y", "f4")]))
    np.savez(folder / "objects.npz", c=c, meta=np.array({"a": 1}, dtype=object))
    np.savez(folder / "complex.npz", c=c, spectrum=c.astype("c8"), long=c.astype(np.longdouble))
    for name in ("encoded", "texts", "records", "objects", "complex"):
        for words in (
            ["explore", "sprites-64", "--screenshot", folder / "shot.png", "--codes"],
            ["convert", "sprites-64", "--out", folder / "opened.safetensors", "--opening"],
            ["sample", "sprites-64", "--out", folder / "drawn.npz", "--codes"],
            ["traverse", "sprites-64", "--steps", "2", "--dims", "8", "--out", folder / "row.png", "--codes"],
            ["animate", "sprites-64", "--steps", "2", "--out", folder / "walk.gif", "--codes"],
        ):
            result = trials.idgan(*words, folder / f"{name}.npz")
            if "no graphics driver" in result.err:
                trials.skip(row, f"{words[0]}, {name}.npz", "no graphics driver")
            else:
                trials.opens(row, f"{words[0]}, {name}.npz", result)


def odd_codes(trials, row):
    """22: codes of another shape are refused as sample refuses them."""
    folder = trials.fresh("odd-codes")
    c = np.random.default_rng(0).normal(size=(4, 10)).astype("f4")
    kinds = {
        "one dimension": {"c": c[0]},
        "no row": {"c": c[:0]},
        "too narrow": {"c": c[:, :3]},
        "three dimensions": {"c": c[None]},
        "no code in it": {"z": c},
        "not a number": {"c": np.where(c > 1, np.nan, c)},
    }
    for what, content in kinds.items():
        path = folder / "odd.npz"
        np.savez(path, **content)
        reference = trials.idgan("sample", "sprites-64", "--codes", path, "--out", folder / "drawn.npz")
        trials.refused(row, f"sample, {what}", reference, "odd.npz")
        for words in (
            ["explore", "sprites-64", "--screenshot", folder / "shot.png", "--codes"],
            ["convert", "sprites-64", "--out", folder / "opened.safetensors", "--opening"],
            ["traverse", "sprites-64", "--steps", "2", "--out", folder / "row.png", "--codes"],
        ):
            result = trials.idgan(*words, path)
            is_possible = "18446744073709551615" not in result.said
            trials.refused(row, f"{words[0]}, {what}", result, "odd.npz", (is_possible, "a row below 0"))


def run(trials):
    trials.each({"3": codes_of_encode, "22": odd_codes})
