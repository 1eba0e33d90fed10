"""24: names and contents of files never reach the terminal as they are."""

import io
import json
import os
import struct
import tarfile
import zipfile

import numpy as np
import torch
from safetensors.numpy import save_file

from pictures import photo

# Red, a title, a bell, a C1 control sequence, a carriage return, delete, and an override of the direction of writing.
NASTY = "a\x1b[31m\x1b]0;title\x07\u009b2J\r\x7f\u202eb"


def npz(path, name, header):
    """An npz whose only array has this header."""
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    data = (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header.encode("latin1", "replace")))
        + header.encode("latin1", "replace")
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name + ".npy", data + b"\0" * 160)


def contents(trials, row):
    folder = trials.fresh("terminal/contents")
    good = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 10), }"
    files = {
        "an npz, its header": ("header.npz", lambda path: npz(path, "c", good.replace("<f4", "\x1b[31mf4"))),
        "an npz, a name in it": ("name.npz", lambda path: npz(path, NASTY, good)),
        "an npz, its shape": (
            "shape.npz",
            lambda path: npz(path, "c", good.replace("(4, 10)", "(4, \x1b[31m)")),
        ),
    }
    for what, (name, make) in files.items():
        make(folder / name)
        for words in (
            ["sample", "sprites-64", "--codes", folder / name, "--out", folder / "o.npz"],
            ["convert", "sprites-64", "--opening", folder / name, "--out", folder / "o.safetensors"],
        ):
            result = trials.idgan(*words)
            trials.check(row, f"{what}, {words[0]}", result)
    save_file({NASTY: np.zeros(3, np.float32)}, folder / "keys.safetensors", metadata={NASTY: NASTY})
    torch.save({NASTY: torch.zeros(3), "x": NASTY}, folder / "keys.pt")
    torch.save({"state_dict": {f"encoder.{NASTY}.weight": torch.zeros(3, 2)}}, folder / "deep.pt")
    header = json.dumps(
        {"x": {"dtype": "\u001b[31m", "shape": [1], "data_offsets": [0, 4]}}, ensure_ascii=False
    ).encode()
    header = header.replace(b"\\u001b", b"\x1b")
    (folder / "dtype.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)
    (folder / "raw.safetensors").write_bytes(b"\x1b[31m" * 100)
    (folder / "pickle.pt").write_bytes(b"\x80\x02c\x1b[31mos\n\x1b]0;x\x07system\nq\x00.")
    (folder / "values.toml").write_text('steps = "\\u001b[31m"\n')
    (folder / "keys.toml").write_text('"\\u001b[31m" = 3\n')
    for name in (
        "keys.safetensors",
        "keys.pt",
        "deep.pt",
        "dtype.safetensors",
        "raw.safetensors",
        "pickle.pt",
    ):
        for words in (
            ["inspect", folder / name],
            ["inspect", "--json", folder / name],
            ["sample", "--vae", folder / name, "--count", "1", "--out", folder / "o.npz"],
        ):
            trials.check(row, f"{name}, {' '.join(map(str, words[:2]))[:18]}", trials.idgan(*words))
    for name in ("values.toml", "keys.toml"):
        trials.refused(
            row,
            f"train --config {name}",
            trials.idgan("train", "vae", "--config", folder / name, "--dry-run"),
        )
    pictures = trials.fresh("terminal/archives")
    data = io.BytesIO()
    photo(1).save(data, "PNG")
    with zipfile.ZipFile(pictures / "a.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"{NASTY}{number}.png", data.getvalue())
        archive.writestr(f"{NASTY}.heic", b"\0\0\0\x18ftypheic")
    with tarfile.open(pictures / "a.tar", "w") as archive:
        for number in range(3):
            entry = tarfile.TarInfo(f"{NASTY}{number}.png")
            entry.size = len(data.getvalue())
            archive.addfile(entry, io.BytesIO(data.getvalue()))
    for name in ("a.zip", "a.tar"):
        for words in (
            ["data", "info", f"images:{pictures / name}"],
            ["encode", "sprites-64", "--images", pictures / name, "--out", folder / "e.npz"],
        ):
            trials.check(row, f"names in {name}, {words[0]}", trials.idgan(*words))


def names(trials, row):
    for what, nasty in {"ESC": NASTY, "bytes that are no UTF-8": b"a\x9b31m\xff\x1b[31m"}.items():
        nasty = os.fsencode(nasty)
        folder = os.path.join(os.fsencode(trials.fresh("terminal/names")), b"d" + nasty)
        os.mkdir(folder)
        for number in range(3):
            photo(number).save(open(os.path.join(folder, b"%d" % number + nasty + b".png"), "wb"), "PNG")
        open(os.path.join(folder, b"x" + nasty + b".heic"), "wb").write(b"\0\0\0\x18ftypheic")
        open(os.path.join(folder, b"broken" + nasty + b".png"), "wb").write(b"\x89PNG\r\n\x1a\n")
        missing = folder + b"/none" + nasty
        output = os.path.join(folder, b"o" + nasty)
        tries = [
            ["data", "info", b"images:" + folder],
            ["data", "info", "--json", b"images:" + folder],
            ["data", "info", b"images:" + missing],
            ["data", "info", nasty],
            ["encode", "sprites-64", "--images", folder, "--out", output + b".npz"],
            ["stats", "sprites-64", "--images", folder, "--out", output + b".safetensors"],
            ["inspect", output + b".safetensors"],
            ["inspect", missing],
            ["sample", missing, "--out", output],
            ["sample", "sprites-64", "--count", "1", "--out", output + b".jpg"],
            ["convert", "sprites-64", "--out", output],
            ["train", "vae", "--data", b"images:" + missing, "--out", output],
            ["train", "vae", "--preset", nasty, "--out", output],
            ["train", "vae", "--set", b"a=" + nasty, "--dry-run"],
            [
                "train",
                "vae",
                "--preset",
                "dsprites-small",
                "--steps",
                "1",
                "--batch",
                "2",
                "--out",
                output + b"run",
            ],
            [
                "train",
                "vae",
                "--preset",
                "dsprites-small",
                "--steps",
                "1",
                "--batch",
                "2",
                "--out",
                output + b"run",
            ],
            ["eval", output + b"run", "--data", b"images:" + missing],
            ["table", output + b"run"],
            ["sweep", output + b"run"],
            ["progress", output + b"run", "--out", output + b".gif"],
            [nasty],
            [b"--" + nasty],
            ["explore", missing],
        ]
        for words in tries:
            shown = " ".join(word if isinstance(word, str) else "NAME" for word in words)
            result = trials.idgan(*words)
            trials.check(row, f"{what} in names: {shown}", result)


def both(trials, row):
    contents(trials, row)
    names(trials, row)


def run(trials):
    trials.each({"24": both})
