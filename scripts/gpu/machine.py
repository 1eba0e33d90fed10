"""What the scripts beside this one share: the program, NVIDIA's libraries as PyTorch brings them, and runs."""

import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# peers.py lies beside when packed, one folder up in the repository
sys.path[:0] = [str(HERE), str(HERE.parent)]


class Failed(Exception):
    """A command of idgan's that did not end well; what it said is the message."""


def program():
    """The program: what IDGAN names, what was packed, or what scripts/run --cuda has built."""
    packed, unpacked = HERE / "idgan.xz", HERE / "idgan"
    if os.environ.get("IDGAN"):
        return os.environ["IDGAN"]
    if packed.exists():
        if not unpacked.exists() or unpacked.stat().st_mtime < packed.stat().st_mtime:
            fresh = unpacked.with_name("idgan.new")
            with lzma.open(packed) as source, fresh.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            fresh.chmod(0o755)
            fresh.replace(unpacked)
        return str(unpacked)
    built = HERE.parent.parent / "target" / "cuda-build" / "release" / "idgan"
    if built.exists():
        return str(built)
    sys.exit("error: there is no idgan here; build it with scripts/run --cuda, or name one with IDGAN=PATH")


def environment(more=None):
    """The process's environment and `more`, with NVIDIA's libraries where the packages of this Python have them."""
    folders = []
    for place in map(pathlib.Path, sys.path):
        folders += sorted(place.glob("nvidia/*/lib")) + sorted(place.glob("torch/lib"))
    known = os.environ.get("LD_LIBRARY_PATH")
    paths = [str(folder) for folder in folders] + ([known] if known else [])
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(paths), **(more or {})}


def command(*words):
    """idgan with these words."""
    return [program(), *map(str, words)]


def run(*words, timeout=600, more=None):
    """What idgan prints, with `more` in its environment; `Failed` with its words where it fails."""
    ended = subprocess.run(command(*words), env=environment(more), capture_output=True, text=True, timeout=timeout)
    if ended.returncode:
        raise Failed((ended.stderr.strip() or ended.stdout.strip() or f"exit code {ended.returncode}").splitlines()[-1])
    return ended.stdout


def run_json(*words, timeout=600):
    """The same for what prints JSON."""
    return json.loads(run(*words, "--json", timeout=timeout))


def is_cuda(device):
    """Whether a device as idgan calls it is a card."""
    return device.startswith("cuda")
