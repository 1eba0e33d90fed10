"""2, 4 to 7, 13 to 15, 18 and the unnumbered rows of pictures: folders and files as cameras, systems and tools leave them."""

import io
import os
import pathlib
import re
import tarfile
import zipfile

import numpy as np
from PIL import Image

from harness import arrays

COUNT = 24

# What macOS leaves beside a file on a disk that cannot hold its attributes.
APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X        " + b"\0" * 4000


def photo(seed, width=72, height=64):
    """A smooth picture with a rectangle, other ones for other seeds."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack(
        [x * 255 // width, y * 255 // height, np.full_like(x, generator.integers(256))], -1
    ).astype(np.uint8)
    top, left = generator.integers(height // 2 + 1), generator.integers(width // 2 + 1)
    pixels[top : top + height // 3, left : left + width // 3] = generator.integers(256, size=3)
    return Image.fromarray(pixels)


def fill(folder, count=COUNT, name="{:04}.png", first=0, kind=None, size=(72, 64)):
    """Saves `count` pictures; names may be bytes."""
    for number in range(first, first + count):
        data = io.BytesIO()
        photo(number, *size).save(data, kind or "PNG")
        place = os.path.join(
            os.fsencode(folder),
            name % number if isinstance(name, bytes) else os.fsencode(name.format(number)),
        )
        pathlib.Path(os.fsdecode(place)).write_bytes(data.getvalue())


def counts(trials, folder, spec="images:"):
    """What every command makes of the pictures in a folder: its name, its result, how many it took."""
    info = trials.idgan("data", "info", "--json", spec + str(folder))
    number = re.search(r'"(?:pictures|count|len|size)":\s*(\d+)', info.out)
    yield "data info", info, int(number[1]) if number else None
    codes = trials.path("codes.npz")
    codes.unlink(missing_ok=True)
    encoded = trials.idgan("encode", "scenes-128", "--images", folder, "--out", codes)
    mu = arrays(codes).get("mu", arrays(codes).get("c"))
    yield "encode", encoded, None if mu is None else len(mu)
    measured = trials.idgan(
        "stats", "scenes-128", "--images", folder, "--out", trials.path("stats.safetensors"), "--json"
    )
    number = re.search(r'"(?:pictures|count|samples)":\s*(\d+)', measured.out)
    yield "stats", measured, int(number[1]) if number else None


def everywhere(trials, row, what, folder, count, *words):
    """Every command takes `count` pictures of the folder, and says all of `words`."""
    for command, result, taken in counts(trials, folder):
        trials.opens(
            row,
            f"{what}, {command}",
            result,
            (taken == count, f"it took {taken}, not {count}"),
            *((re.search(word, result.err, re.I), f"it should say {word}") for word in words),
        )


def circles(trials, row):
    """2: a crop never squeezes."""
    shapes = {
        "wide": (300, 100),
        "high": (100, 300),
        "a little too low": (200, 150),
        "large enough": (600, 600),
    }
    for spec in ("images", "celeba", "celeba-hq", "chairs"):
        for what, (width, height) in shapes.items():
            folder = trials.fresh("circles")
            y, x = np.mgrid[0:height, 0:width]
            radius = min(width, height) * 0.3
            inside = (y - height / 2) ** 2 + (x - width / 2) ** 2 < radius**2
            Image.fromarray(np.where(inside[..., None], 255, 0).repeat(3, -1).astype(np.uint8)).save(
                folder / "a.png"
            )
            cache = trials.fresh("circle-cache")
            result = trials.idgan("data", "prepare", f"{spec}:{folder}", "--size", "64", "--cache", cache)
            if result.code:
                trials.refused(row, f"{spec}, {what}", result, "crop|smaller|pixels|px")
                continue
            made = next(cache.glob("*.idgan-cache")).read_bytes()
            white = np.frombuffer(made[: 3 * 64 * 64], np.uint8).reshape(64, 64, 3)[..., 0] > 127
            across, down = white.any(0).sum(), white.any(1).sum()
            trials.opens(
                row,
                f"{spec}, {what}",
                result,
                (abs(int(across) - int(down)) <= 2, f"a circle is {across} wide and {down} high"),
            )


def beside(trials, row):
    """4: what systems and file servers leave beside pictures."""
    folder = trials.fresh("mac")
    fill(folder)
    for number in range(COUNT):
        (folder / f"._{number:04}.png").write_bytes(APPLE_DOUBLE)
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / ".ipynb_checkpoints").mkdir()
    fill(folder / ".ipynb_checkpoints", 2)
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._0000.png").write_bytes(APPLE_DOUBLE)
    everywhere(trials, row, "copied from a Mac", folder, COUNT)
    folder = trials.fresh("server")
    fill(folder)
    for thumbnails in (
        "@eaDir/0000.png",
        ".@__thumb",
        ".thumbnails",
        ".Trash-1000/files",
        "$RECYCLE.BIN",
        "#recycle",
    ):
        (folder / thumbnails).mkdir(parents=True)
        fill(folder / thumbnails, 2)
    for name in ("Thumbs.db", "desktop.ini", "ehthumbs.db"):
        (folder / name).write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 100)
    everywhere(trials, row, "thumbnails of file servers", folder, COUNT)
    archive = trials.path("mac.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(COUNT):
            data = io.BytesIO()
            photo(number).save(data, "PNG")
            made.writestr(f"photos/{number:04}.png", data.getvalue())
            made.writestr(f"__MACOSX/photos/._{number:04}.png", APPLE_DOUBLE)
        made.writestr("photos/.DS_Store", b"x")
    result = trials.idgan("data", "info", "--json", f"images:{archive}")
    number = re.search(r'"(?:pictures|count|len|size)":\s*(\d+)', result.out)
    trials.opens(
        row,
        "an archive from a Mac, data info",
        result,
        (number and int(number[1]) == COUNT, f"it took {number}"),
    )


def bytes_in_names(trials, row):
    """5: names are bytes."""
    folder = trials.fresh("latin1-some")
    fill(folder)
    fill(folder, 6, b"bild_\xe4_%04d.png", 100)
    everywhere(trials, row, "some names in Latin-1", folder, COUNT + 6)
    for what, name in {
        "Latin-1": b"bild_\xe4_%04d.png",
        "Shift JIS": b"\x89\xe6\x91\x9c%04d.png",
        "GBK": b"\xcd\xbc\xc6\xac%04d.png",
    }.items():
        folder = trials.fresh("names")
        fill(folder, COUNT, name)
        everywhere(trials, row, f"all names in {what}", folder, COUNT)
    outer = os.path.join(os.fsencode(trials.fresh("outer")), b"ordner_\xe4")
    os.mkdir(outer)
    fill(os.fsdecode(outer))
    result = trials.idgan("data", "info", "--json", b"images:" + os.path.dirname(outer))
    trials.opens(
        row, "a folder in Latin-1 inside", result, (re.search(r":\s*24\b", result.out), "it should take 24")
    )


def endings(trials, row):
    """6: the content tells the format, and what is passed over is counted."""
    folder = trials.fresh("mixed")
    fill(folder, COUNT, "{:04}.jpg", 0, "JPEG")
    fill(folder, COUNT, "b{:04}", 50, "JPEG")
    fill(folder, 5, "c{:04}.jpe", 90, "JPEG")
    (folder / "x.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 64)
    (folder / "y.AVIF").write_bytes(b"\0\0\0\x18ftypavif" + b"\0" * 64)
    everywhere(trials, row, "endings of all kinds", folder, 2 * COUNT + 5, "2 files|2 pictures|two")
    folder = trials.fresh("wrong")
    fill(folder, 8, "{:04}.jpg", 0, "PNG")
    fill(folder, 8, "w{:04}.PNG", 20, "WEBP")
    fill(folder, 8, "j{:04}.JFIF", 40, "JPEG")
    (folder / "notes.txt").write_text("not a picture")
    everywhere(trials, row, "endings that are wrong", folder, COUNT)
    folder = trials.fresh("hidden-heic")
    fill(folder)
    for number in range(3):
        (folder / f"{number}.jpg.heif").write_bytes(b"\0\0\0\x18ftypmif1" + b"\0" * 64)
        (folder / f"raw{number}.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + b"\0" * 64)
    everywhere(trials, row, "formats that cannot be read", folder, COUNT, r"\b6\b")
    folder = trials.fresh("text")
    (folder / "a.txt").write_text("x")
    for command, result, _ in counts(trials, folder):
        trials.refused(row, f"no picture at all, {command}", result, "no pictures")


def broken(trials, row):
    """7: one broken file in a hundred is left out and named."""
    whole = io.BytesIO()
    photo(0, 300, 300).save(whole, "JPEG")
    whole = whole.getvalue()
    for what, content in {
        "an empty file": b"",
        "a file cut short": whole[: len(whole) // 2],
        "a web page": b"<html>429</html>",
        "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
    }.items():
        folder = trials.fresh("broken")
        fill(folder, 300, "{:04}.jpg", 0, "JPEG", (16, 16))
        (folder / "0300.jpg").write_bytes(content)
        everywhere(trials, row, f"{what} of 301", folder, 300, "0300.jpg")
    folder = trials.fresh("broken")
    fill(folder)
    (folder / "0024.jpg").write_bytes(whole[: len(whole) // 2])
    for command, result, _ in counts(trials, folder):
        trials.refused(row, f"one of 25 cut short, {command}", result, "0024.jpg")


def links(trials, row):
    """13 to 15: links are followed once, what may not be read is passed over."""
    elsewhere = trials.fresh("elsewhere")
    fill(elsewhere)
    folder = trials.fresh("links")
    (folder / "train").symlink_to("../elsewhere")
    everywhere(trials, row, "a link to the folder", folder, COUNT)
    folder = trials.fresh("filelinks")
    for number in range(COUNT):
        (folder / f"{number:04}.png").symlink_to(f"../elsewhere/{number:04}.png")
    (folder / "dangling.png").symlink_to("nowhere.png")
    everywhere(trials, row, "links to the files, and one to nothing", folder, COUNT, "dangling|link|1 ")
    folder = trials.fresh("loop")
    fill(folder)
    (folder / "loop").symlink_to(".")
    (folder / "deep").mkdir()
    (folder / "deep" / "up").symlink_to("../..")
    result = trials.idgan("data", "info", "--json", f"images:{folder}", patience=60)
    trials.check(row, "links to folders above", result, (result.code != -99, "it should end"))
    folder = trials.fresh("loop")
    fill(folder)
    (folder / "loop").symlink_to(".")
    (folder / "self.png").symlink_to("self.png")
    everywhere(trials, row, "a link to itself", folder, COUNT)


def closed(trials, row):
    """15: a folder that may not be read."""
    folder = trials.fresh("closed")
    fill(folder)
    closed = folder / "lost+found"
    closed.mkdir()
    closed.chmod(0)
    user = trials.as_nobody()
    home = trials.fresh("nobody")
    home.chmod(0o777)
    environment = trials.environment(HOME=home)
    try:
        result = trials.idgan("data", "info", "--json", f"images:{folder}", env=environment, **user)
        trials.opens(
            row,
            "a folder without permission, data info",
            result,
            (re.search(r":\s*24\b", result.out), "it should take 24"),
            ("lost+found" in result.err, "it should name it"),
        )
        out = home / "codes.npz"
        result = trials.idgan(
            "encode", "scenes-128", "--images", folder, "--out", out, env=environment, **user
        )
        trials.opens(
            row,
            "a folder without permission, encode",
            result,
            ("lost+found" in result.err, "it should name it"),
        )
        result = trials.idgan(
            "stats",
            "scenes-128",
            "--images",
            folder,
            "--out",
            home / "s.safetensors",
            env=environment,
            **user,
        )
        trials.opens(
            row,
            "a folder without permission, stats",
            result,
            ("lost+found" in result.err, "it should name it"),
        )
    finally:
        closed.chmod(0o755)


def tiffs(trials, row):
    """18: kinds of TIFF, read as Pillow reads them or named."""
    picture = photo(7)
    grey = np.asarray(picture.convert("L"))
    made = {
        "float": Image.fromarray(grey.astype(np.float32) / 255),
        "palette": picture.quantize(16),
        "YCbCr": picture.convert("YCbCr"),
        "grey with alpha": picture.convert("LA"),
        "CMYK": picture.convert("CMYK"),
        "16 bit": Image.fromarray(grey.astype(np.uint16) * 257),
        "32 bit integers": Image.fromarray(grey.astype(np.int32) * 1000),
        "one bit": picture.convert("1"),
        "Lab": picture.convert("LAB"),
        "colours with alpha": picture.convert("RGBA"),
    }
    for what, image in made.items():
        folder = trials.fresh("tiff")
        for number in range(2):
            image.save(folder / f"{number}.tif", **({"compression": "jpeg"} if what == "YCbCr" else {}))
        result = trials.idgan(
            "data", "prepare", f"images:{folder}", "--size", "64", "--cache", trials.fresh("tiff-cache")
        )
        raw = re.search(r"Unknown\(|Unsupported\(|TiffError|ColorType", result.err)
        if result.code == 0:
            trials.opens(row, f"TIFF, {what}", result, (not raw, "words of a library"))
        else:
            trials.refused(row, f"TIFF, {what}", result, "convert|save|TIFF|tif")


def home_sign(trials, row):
    """`~` in a specification."""
    fill_in = trials.home / "photos"
    fill_in.mkdir(exist_ok=True)
    fill(fill_in)
    for words in (
        ["data", "info", "images:~/photos"],
        [
            "train",
            "vae",
            "--data",
            "images:~/photos",
            "--steps",
            "1",
            "--batch",
            "2",
            "--preset",
            "dsprites-small",
            "--set",
            "vae.channels=3",
            "--out",
            trials.fresh("tilde") / "run",
        ],
    ):
        result = trials.idgan(*words)
        if result.code == 0:
            trials.opens(row, f"~ in {words[0]}", result)
        else:
            trials.refused(row, f"~ in {words[0]}", result, "~|home")
    result = trials.idgan("encode", "scenes-128", "--images", "~/photos", "--out", trials.path("t.npz"))
    trials.check(
        row, "~ in encode --images", result, (result.code == 0 or "~" in result.err, "expanded, or said")
    )


def colon(trials, row):
    """One colon in messages about `images:`."""
    for words in (
        ["data", "info", "images:"],
        ["data", "info", "celeba:"],
        ["train", "vae", "--data", "images:", "--out", trials.path("colon")],
    ):
        result = trials.idgan(*words)
        trials.refused(row, " ".join(map(str, words[:3])), result, ("::" not in result.said, "two colons"))


def run(trials):
    trials.each(
        {
            "2": circles,
            "4": beside,
            "5": bytes_in_names,
            "6": endings,
            "7": broken,
            "13": links,
            "15": closed,
            "18": tiffs,
            "tilde": home_sign,
            "colon": colon,
        }
    )
