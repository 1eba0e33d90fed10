"""Signals, modes and links, homes and disks, names with spaces, numbers that are not known."""

import json
import os
import resource
import shlex
import signal
import stat
import subprocess
import time

from harness import Result
from pictures import photo

TRAINING = "train vae --preset dsprites-small --batch 4 --steps 1000000 --sample-every 0".split()


def logged(run):
    """Lines in the log of a run."""
    try:
        return len((run / "log.jsonl").read_text().splitlines())
    except OSError:
        return 0


def start(trials, words, run, hang_up=signal.SIG_DFL, **options):
    """Starts a training and waits until it is at work in the folder `run`."""
    before = logged(run)
    child = subprocess.Popen(
        trials.command(*words),
        cwd=options.pop("cwd", trials.folder),
        env=trials.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # whatever this script was started with
        preexec_fn=lambda: signal.signal(signal.SIGHUP, hang_up),
        **options,
    )
    for _ in range(600):
        if child.poll() is not None or logged(run) > before:
            break
        time.sleep(0.1)
    return child


def finish(child):
    try:
        out, err = child.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
        return Result(-99, out, err + b"\n(it did not end)")
    return Result(child.returncode, out, err)


def signals(trials, row):
    """17: whatever ends a program saves a run first."""
    kinds = "TERM INT HUP QUIT USR1 USR2 XCPU ALRM VTALRM PROF IO PWR RTMIN RTMAX".split()
    for kind in kinds:
        run = trials.fresh(f"signals/{kind}")
        child = start(trials, [*TRAINING, "--out", run], run)
        child.send_signal(getattr(signal, f"SIG{kind}"))
        result = finish(child)
        saved = (run / "checkpoint.safetensors").exists() and any(run.glob("state-*"))
        trials.opens(
            row,
            f"SIG{kind} to a training run",
            result,
            (saved, "nothing was saved"),
            ("stopped and saved" in result.out, "it should say so"),
        )
    run = trials.fresh("signals/often")
    child = start(trials, [*TRAINING, "--out", run], run)
    for _ in range(12):
        child.send_signal(signal.SIGXCPU)
        time.sleep(0.15)
    trials.opens(
        row,
        "SIGXCPU again and again",
        finish(child),
        ((run / "checkpoint.safetensors").exists(), "nothing was saved"),
    )
    run = trials.fresh("signals/nohup")
    child = start(trials, [*TRAINING, "--out", run], run, hang_up=signal.SIG_IGN)
    child.send_signal(signal.SIGHUP)
    before = logged(run)
    time.sleep(2)
    goes_on = child.poll() is None
    child.send_signal(signal.SIGTERM)
    trials.opens(
        row,
        "SIGHUP under nohup goes on",
        finish(child),
        (goes_on and logged(run) >= before, "it should go on"),
    )
    sweep = trials.fresh("signals/sweep")
    (sweep / "sweep.toml").write_text(
        'out = "runs"\nseeds = [0]\nset = ["batch=4", "sample_every=0"]\n[[data]]\nname = "dsprites"\nvae = "dsprites-small"\ngan = "dsprites-small"\n'
        '[[method]]\nname = "beta-vae"\nsteps = 1000000\n'
    )
    run = sweep / "runs/dsprites/beta-vae/seed-0"
    for kind in ("USR1", "USR2", "XCPU"):
        child = start(trials, ["sweep", "sweep.toml"], run, cwd=sweep)
        child.send_signal(getattr(signal, f"SIG{kind}"))
        result = finish(child)
        listed = trials.idgan("sweep", "sweep.toml", "--list", cwd=sweep)
        saved = "of 1000000" in listed.out and "step 0 " not in listed.out
        trials.check(
            row,
            f"SIG{kind} to a sweep",
            result,
            (result.code == 1, "it should end as a stop"),
            (saved, f"its run was not saved: {listed.out!r}"),
        )


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def modes(trials, row):
    """19: the umask decides who reads, links stay links."""
    outputs = {
        "a.npz": ["sample", "sprites-64", "--count", "2", "--out"],
        "a.png": ["traverse", "sprites-64", "--steps", "2", "--dims", "8", "--out"],
        "a.safetensors": ["convert", "sprites-64", "--out"],
        "folder": ["sample", "sprites-64", "--count", "2", "--out"],
    }
    for mask in (0o077, 0o002, 0o022, 0o027):
        for name, words in outputs.items():
            path = trials.fresh(f"modes/{mask:o}") / name
            result = trials.idgan(*words, path, umask=mask)
            expected = (0o777 if path.is_dir() else 0o666) & ~mask
            is_right = path.exists() and mode(path) == expected
            if is_right and path.is_dir():
                is_right = all(mode(file) == 0o666 & ~mask for file in path.iterdir())
            trials.opens(
                row, f"umask {mask:03o}, {name}", result, (is_right, f"its mode should be {expected:o}")
            )
        run = trials.fresh(f"modes/{mask:o}") / "run"
        words = ["train", "vae", "--preset", "dsprites-small", "--steps", "1", "--batch", "2", "--out", run]
        result = trials.idgan(*words, umask=mask)
        wrong = [
            file.name for file in run.rglob("*") if mode(file) != (0o777 if file.is_dir() else 0o666) & ~mask
        ]
        trials.opens(row, f"umask {mask:03o}, a run folder", result, (not wrong, f"wrong modes: {wrong}"))
    for name, words in outputs.items():
        for kind in ("target that is there", "target that is not there yet", "chain of links"):
            if name == "folder" and kind == "target that is there":
                continue
            folder = trials.fresh("links")
            real = folder / "elsewhere" / ("real-" + name)
            real.parent.mkdir()
            link = folder / ("link-" + name)
            if kind == "chain of links":
                (folder / "elsewhere" / ("middle-" + name)).symlink_to(real.name)
                link.symlink_to(os.path.join("elsewhere", "middle-" + name))
            else:
                link.symlink_to(real)
            if kind == "target that is there":
                real.write_bytes(b"old")
                real.chmod(0o640)
            result = trials.idgan(*words, link)
            written = real.is_dir() if name == "folder" else real.is_file() and real.stat().st_size > 10
            left = [path.name for path in folder.rglob(".idgan-*")]
            trials.opens(
                row,
                f"--out link, {kind}, {name}",
                result,
                (link.is_symlink() and written, "the link should stay and its target be written"),
                (not left, f"left behind: {left}"),
                (kind != "target that is there" or mode(real) == 0o640, "the file should keep its mode"),
            )
    circle = trials.fresh("links") / "circle.npz"
    circle.symlink_to("circle.npz")
    trials.refused(row, "--out a link to itself", trials.idgan(*outputs["a.npz"], circle), "circle")
    device = trials.idgan("table", trials.fresh("links"), "--format", "csv", "--out", "/dev/null")
    still = stat.S_ISCHR(os.stat("/dev/null").st_mode)
    trials.check(row, "--out /dev/null", device, (still, "the device is gone"))


def homes(trials, row):
    """23: a home that cannot be written."""
    pictures = trials.fresh("homes/pictures")
    for number in range(4):
        photo(number).save(pictures / f"{number}.png")
    read_only = trials.fresh("homes/read-only")
    read_only.chmod(0o555)
    a_file = trials.path("homes/file")
    a_file.write_bytes(b"")
    spare = trials.fresh("homes/spare")
    spare.chmod(0o1777)
    places = {
        "a read-only home": read_only,
        "a home that is a file": a_file,
        "a home that is not there": "/proc/nowhere",
    }
    user = trials.as_nobody()
    for what, home in places.items():
        environment = trials.environment(HOME=home, TMPDIR=spare)
        result = trials.idgan(
            "data", "prepare", f"images:{pictures}", "--size", "64", env=environment, **user
        )
        trials.opens(
            row, f"data prepare, {what}", result, ("--cache" in result.err, "it should name --cache")
        )
        result = trials.idgan("data", "info", "images:" + str(pictures), env=environment, **user)
        trials.opens(row, f"data info, {what}", result)
        result = trials.idgan("inspect", "sprites-64", env=environment, **user)
        trials.opens(row, f"a bundled model, {what}", result)
    environment = trials.environment(HOME=read_only, TMPDIR="/proc/nowhere")
    result = trials.idgan("data", "prepare", f"images:{pictures}", "--size", "64", env=environment, **user)
    trials.refused(row, "no home and no temporary folder", result, "--cache")
    for what, cache in {"a folder that cannot be written": read_only / "cache", "a file": a_file}.items():
        result = trials.idgan(
            "data", "prepare", f"images:{pictures}", "--size", "64", "--cache", cache, **user
        )
        trials.refused(row, f"--cache {what}", result, "--cache DIR")


def limited(megabytes):
    """Runs a program that may write files up to this size, as on a disk that fills up."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (int(megabytes * 2**20),) * 2)


def disks(trials, row):
    """25: a full disk under every writer."""
    vae = trials.fresh("disks/vae") / "run"
    trials.idgan("train", "vae", "--preset", "dsprites-small", "--steps", "1", "--batch", "2", "--out", vae)
    codes = trials.path("disks/codes.npz")
    trials.idgan("sample", "sprites-64", "--count", "9", "--out", codes)
    writers = {
        "sample to npz": ["sample", "sprites-64", "--count", "64", "--out", "a.npz"],
        "sample to a folder": ["sample", "sprites-64", "--count", "8", "--out", "pictures"],
        "traverse to png": ["traverse", "scenes-128", "--steps", "5", "--out", "a.png"],
        "traverse to gif": ["traverse", "scenes-128", "--steps", "5", "--out", "a.gif"],
        "traverse to npz": ["traverse", "sprites-64", "--steps", "5", "--out", "a.npz"],
        "grid to png": ["grid", "scenes-128", "--codes-c", "3", "--codes-s", "3", "--out", "a.png"],
        "animate to gif": ["animate", "sprites-64", "--codes", codes, "--out", "a.gif"],
        "encode to npz": ["encode", "sprites-64", "--images", "PICTURES", "--out", "a.npz"],
        "convert to a bundle": ["convert", "sprites-64", "--out", "a.safetensors"],
        "convert to pytorch": ["convert", "sprites-64", "--to", "pytorch", "--out", "published"],
        "data preview": ["data", "preview", "scenes", "--size", "64", "--out", "a.png"],
        "data prepare": ["data", "prepare", "scenes:64", "--size", "64", "--cache", "cache"],
        "train": [
            "train",
            "vae",
            "--preset",
            "dsprites-small",
            "--steps",
            "2",
            "--batch",
            "2",
            "--out",
            "run",
        ],
    }
    pictures = trials.fresh("disks/pictures")
    for number in range(64):
        photo(number).save(pictures / f"{number}.png")
    for what, words in writers.items():
        words = [pictures if word == "PICTURES" else word for word in words]
        folder = trials.fresh("disks/limited")
        result = trials.idgan(*words, cwd=folder, preexec_fn=limited(1 / 1024))
        left = [path.name for path in folder.rglob(".idgan-*")]
        trials.refused(row, f"a limit on file size, {what}", result, "larger than is allowed here")
        if left:
            trials.check(row, f"what a limit leaves, {what}", result, (False, f"left behind: {left}"))
    disk = trials.fresh("disks/small")
    mounted = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True
        ).returncode
        == 0
    )
    if not mounted:
        return trials.skip(row, "a disk of 64 KiB", "no file system can be mounted here")
    try:
        for what, words in writers.items():
            words = [pictures if word == "PICTURES" else word for word in words]
            for path in disk.iterdir():
                subprocess.run(["rm", "-rf", path], check=True)
            (disk / "filler").write_bytes(b"\0" * (60 << 10))
            result = trials.idgan(*words, cwd=disk)
            trials.refused(row, f"a disk of 64 KiB, {what}", result, "no space left on the device; free some")
    finally:
        subprocess.run(["umount", disk], check=False)


def spaces(trials, row):
    """A command that is printed can be pasted into a shell, whatever the names in it."""
    for name in ("my run", "it's $HOME", "--run", "tab\there", "esc\x1b[31m", "a;b&(c)", "na\u00efve \u4e2d"):
        folder = trials.fresh("spaces")
        words = ["train", "vae", "--preset", "dsprites-small", "--batch", "2", "--sample-every", "0"]
        run = os.path.join(".", name)
        result = trials.idgan(*words, "--steps", "1", "--out", run, cwd=folder)
        hint = result.out.strip().rsplit("with: ", 1)[-1]
        listed = subprocess.run(
            ["bash", "-c", f"for word in {hint}; do printf '%s\\0' \"$word\"; done"],
            capture_output=True,
            cwd=folder,
        )
        read = listed.stdout.decode().split("\0")[:-1]
        is_right = len(read) >= 2 and read[0] == "idgan" and (folder / read[-1] / "config.toml").exists()
        trials.opens(
            row, f"the hint after training into {name!r}", result, (is_right, f"a shell reads {read}")
        )
    run = trials.fresh("spaces") / "a run"
    child = start(trials, [*TRAINING, "--out", run], run)
    child.send_signal(signal.SIGTERM)
    result = finish(child)
    words = shlex.split(result.out.strip().rsplit("with: ", 1)[-1])
    again = trials.idgan(*words[1:], "--dry-run")
    trials.opens(
        row,
        "the hint after a stop, pasted",
        again,
        (words[:1] == ["idgan"] and "--resume" in words, f"it says {words}"),
    )
    sweep = trials.fresh("spaces")
    (sweep / "s.toml").write_text(
        'out = "my runs"\nseeds = [0]\n[[data]]\nname = "dsprites"\nvae = "dsprites-small"\ngan = "dsprites-small"\n[[method]]\nname = "beta-vae"\nsteps = 1\n'
    )
    result = trials.idgan("sweep", "s.toml", "--dry-run", cwd=sweep)
    words = shlex.split(result.out.splitlines()[0]) if result.out else []
    again = trials.idgan(*words[1:], "--dry-run", cwd=sweep)
    trials.opens(row, "the commands of a sweep, pasted", again, (words[:1] == ["idgan"], f"it says {words}"))


def unknown(trials, row):
    """Numbers that nobody knows are null in JSON."""
    for count in (10, 16, 40):
        result = trials.idgan(
            "eval",
            "sprites-64",
            "--data",
            "dsprites",
            "--metrics",
            "fid",
            "--samples",
            count,
            "--json",
            "--out",
            trials.path("unknown/eval.json"),
        )
        try:
            score = json.loads(result.out)["metrics"]["fid"]
            is_right = all(end is None or abs(end) < 1e30 for end in (score["low"], score["high"]))
        except (ValueError, KeyError):
            score, is_right = result.out, False
        trials.opens(row, f"eval --json, FID of {count} pictures", result, (is_right, f"it says {score}"))


def run(trials):
    trials.each({"17": signals, "19": modes, "23": homes, "25": disks, "spaces": spaces, "json": unknown})
