"""21: archives and arrays of other tools and times, read or named for what they are."""

import io
import shutil
import struct
import subprocess
import zipfile

import numpy as np

from checkpoints import models
from pictures import COUNT, fill, photo


def rezip(source, target, method, change=lambda data: data, rename=lambda name: name):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(rename(entry.filename), change(old.read(entry)), compress_type=method)


def python_2(data):
    """A header as NumPy on Python 2 wrote it: long integers end in L."""
    length = struct.unpack("<H", data[8:10])[0]
    header, values = data[10 : 10 + length], data[10 + length :]
    changed = header.replace(b"(4, 10)", b"(4L, 10L)").rstrip(b" \n").ljust(length - 1) + b"\n"
    return data[:10] + changed + values


def arrays_of_codes(trials, row):
    folder = trials.fresh("npz")
    c = np.random.default_rng(0).normal(size=(4, 10)).astype("f4")
    np.savez(folder / "plain.npz", c=c)
    rezip(folder / "plain.npz", folder / "python-2.npz", zipfile.ZIP_STORED, python_2)
    rezip(folder / "plain.npz", folder / "bzip2.npz", zipfile.ZIP_BZIP2)
    rezip(folder / "plain.npz", folder / "lzma.npz", zipfile.ZIP_LZMA)
    rezip(folder / "plain.npz", folder / "deflated.npz", zipfile.ZIP_DEFLATED)
    np.savez(folder / "big-endian.npz", c=c.astype(">f4"))
    np.savez(folder / "big-endian-f64.npz", c=c.astype(">f8"))
    np.savez(folder / "columns-first.npz", c=np.asfortranarray(c))
    np.savez(folder / "integers.npz", c=(c * 2).astype("i8"))
    np.savez(folder / "big-endian-integers.npz", c=(c * 2).astype(">i4"))
    np.savez(folder / "half.npz", c=c.astype("f2"))
    for path in sorted(folder.glob("*.npz")):
        result = trials.idgan(
            "sample", "sprites-64", "--codes", path, "--out", trials.path("drawn", path.name)
        )
        advice = ("download" not in result.err, "it speaks of a download")
        if path.stem == "lzma" and result.code:
            trials.refused(row, f"codes, {path.name}", result, "lzma|packed|compress", advice)
        else:
            trials.opens(row, f"codes, {path.name}", result, advice)


def checkpoints(trials, row):
    m = models(trials)
    reference = m.folder / "reference-vae.pt"
    for what, method in {"bzip2": zipfile.ZIP_BZIP2, "deflate": zipfile.ZIP_DEFLATED}.items():
        path = m.folder / f"rezip-{what}.pt"
        rezip(reference, path, method)
        m.same(row, f"a .pt packed anew, {what}", "--vae", path)
    for what, rename in {
        "without its folder": lambda name: name.split("/", 1)[1],
        "with backslashes": lambda name: name.replace("/", "\\"),
    }.items():
        path = m.folder / "renamed.pt"
        rezip(reference, path, zipfile.ZIP_STORED, rename=rename)
        m.same(row, f"a .pt packed anew, {what}", "--vae", path)
    path = m.folder / "rezip-lzma.pt"
    rezip(reference, path, zipfile.ZIP_LZMA)
    result = trials.idgan("sample", "--vae", path, "--count", "1", "--out", m.folder / "l.npz")
    trials.refused(row, "a .pt packed anew, LZMA", result, "lzma|packed|compress|method")


def passwords(trials, row):
    folder = trials.fresh("locked")
    fill(folder)
    if not shutil.which("zip"):
        return trials.skip(row, "a zip with a password", "zip is not installed")
    subprocess.run(
        ["zip", "-q", "-P", "x", "a.zip", *sorted(path.name for path in folder.glob("*.png"))],
        cwd=folder,
        check=True,
    )
    for words in (
        ["data", "info", f"images:{folder / 'a.zip'}"],
        ["data", "prepare", f"images:{folder / 'a.zip'}", "--size", "64", "--cache", folder / "cache"],
    ):
        trials.refused(
            row, f"a zip with a password, data {words[1]}", trials.idgan(*words), "password|encrypted"
        )
    shutil.copy(models(trials).folder / "reference-vae.pt", folder / "reference.pt")
    subprocess.run(["zip", "-q", "-P", "x", "model.zip", "reference.pt"], cwd=folder, check=True)
    result = trials.idgan("sample", "--vae", folder / "model.zip", "--count", "1", "--out", folder / "o.npz")
    trials.refused(row, "a checkpoint in a zip with a password", result)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        for number in range(COUNT):
            data = io.BytesIO()
            photo(number).save(data, "PNG")
            archive.writestr(f"{number:04}.png", data.getvalue())
    (folder / "bzip2.zip").write_bytes(packed.getvalue())
    result = trials.idgan("data", "info", f"images:{folder / 'bzip2.zip'}")
    trials.check(
        row,
        "pictures in a zip of bzip2",
        result,
        (result.code == 0 or "bzip2" in result.err.lower(), "read, or named"),
    )


def all_of_them(trials, row):
    arrays_of_codes(trials, row)
    checkpoints(trials, row)
    passwords(trials, row)


def run(trials):
    trials.each({"21": all_of_them})
