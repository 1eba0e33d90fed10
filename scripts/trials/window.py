"""16, 20 and a missing runtime folder: displays that are not as they should be."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from harness import Result

ADVICE = "--screenshot|idgan traverse"


class Screen:
    """A virtual X server, which does not start anew when xdotool, its only guest, leaves just as a window comes."""

    def __init__(self, depth=24, words=()):
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", f"1280x800x{depth}", "-nolisten", "tcp", "-noreset", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.name = ":" + self.process.stdout.readline().decode().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def windows(display):
    """Titles of the windows on a display."""
    found = subprocess.run(
        ["xdotool", "search", "--name", "idgan"], env={**os.environ, "DISPLAY": display}, capture_output=True
    )
    return found.stdout.decode().split()


def open_window(trials, display, seconds=60, model="sprites-64", **environment):
    """Opens the window, waits until it is there or the program ends, and closes it."""
    child = subprocess.Popen(
        trials.command("explore", model),
        env=trials.environment(DISPLAY=display, **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    is_open = False
    for _ in range(seconds * 5):
        if child.poll() is not None or (is_open := bool(windows(display))):
            break
        time.sleep(0.2)
    if is_open:
        # one that fails may show an empty window first
        time.sleep(3)
        is_open = child.poll() is None
        child.send_signal(signal.SIGTERM)
    try:
        out, err = child.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
    # ended by the signal that closes it
    code = 0 if is_open and child.returncode in (-signal.SIGTERM, 0) else child.returncode
    return is_open, Result(code, out, err)


def has_screens(trials, row, what):
    missing = [program for program in ("Xvfb", "xdotool") if not shutil.which(program)]
    if missing:
        trials.skip(row, what, f"{' and '.join(missing)} not installed")
    return not missing


def wayland(trials, row):
    """16: a Wayland display that is not there, beside an X server that is."""
    if not has_screens(trials, row, "a stale WAYLAND_DISPLAY"):
        return
    runtime = tempfile.mkdtemp()
    ended = os.path.join(runtime, "wayland-ended")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(ended)
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(os.path.join(runtime, "wayland-silent"))
    silent.listen(8)
    other = socket.socket(socket.AF_UNIX)
    other.bind(os.path.join(runtime, "wayland-other"))
    other.listen(8)

    def answer():
        while True:
            try:
                client, _ = other.accept()
            except OSError:
                return
            client.sendall(struct.pack("=IIII", 1, 16 << 16, 1, 0) + b"no compositor")

    threading.Thread(target=answer, daemon=True).start()
    with Screen() as screen:
        for what, variables in {
            "no such socket": {"WAYLAND_DISPLAY": "wayland-9"},
            "a socket that nobody listens at": {"WAYLAND_DISPLAY": "wayland-ended"},
            "a path to it": {"WAYLAND_DISPLAY": ended},
            "somebody who says nothing": {"WAYLAND_DISPLAY": "wayland-silent"},
            "somebody else": {"WAYLAND_DISPLAY": "wayland-other"},
            "no runtime folder": {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": None},
            "the number of a closed socket": {"WAYLAND_SOCKET": "77"},
            "no number": {"WAYLAND_SOCKET": "x"},
        }.items():
            is_open, result = open_window(trials, screen.name, **{"XDG_RUNTIME_DIR": runtime, **variables})
            trials.opens(
                row,
                f"a stale Wayland beside X: {what}",
                result,
                (is_open, "a window should open"),
                (not result.err, "it should say nothing"),
            )
    alone = trials.idgan(
        "explore", "sprites-64", env=trials.environment(WAYLAND_DISPLAY="wayland-9", XDG_RUNTIME_DIR=runtime)
    )
    trials.refused(row, "a stale Wayland alone", alone, "WAYLAND_DISPLAY", ADVICE)
    silent.close()
    other.close()
    shutil.rmtree(runtime)


def displays(trials, row):
    """20: displays and drivers that cannot show a window."""
    none = trials.idgan("explore", "sprites-64")
    trials.refused(row, "no display", none, "no display", ADVICE)
    for name in (":4077", "nowhere.invalid:0", "nonsense"):
        stale = trials.idgan("explore", "sprites-64", env=trials.environment(DISPLAY=name))
        trials.refused(row, f"DISPLAY={name}", stale, ADVICE)
    no_drivers = {
        "VK_ICD_FILENAMES": "/nowhere.json",
        "VK_DRIVER_FILES": "/nowhere.json",
        "LIBGL_DRIVERS_PATH": "/nowhere",
        "__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere.json",
        "GBM_BACKENDS_PATH": "/nowhere",
    }
    shot = trials.idgan(
        "explore", "sprites-64", "--screenshot", trials.path("shot.png"), env=trials.environment(**no_drivers)
    )
    trials.refused(row, "a screenshot without Vulkan and OpenGL", shot, "driver")
    if not has_screens(trials, row, "odd X servers"):
        return
    with Screen() as screen:
        nothing = trials.idgan(
            "explore", "sprites-64", env=trials.environment(DISPLAY=screen.name, **no_drivers)
        )
        trials.refused(row, "no Vulkan and no OpenGL", nothing, "driver", "idgan traverse")
        nothing = trials.idgan(
            "explore", "sprites-64", env=trials.environment(DISPLAY=screen.name, WGPU_BACKEND="dx12")
        )
        trials.refused(row, "no backend that could be there", nothing, "driver", "idgan traverse")
    for depth in (8, 16):
        with Screen(depth) as screen:
            is_open, result = open_window(trials, screen.name)
            if is_open:
                trials.opens(row, f"an X server of {depth} bits", result)
            else:
                trials.refused(row, f"an X server of {depth} bits", result, ADVICE)
    for extension in ("RANDR", "XKEYBOARD", "XInputExtension", "MIT-SHM", "GLX"):
        with Screen(words=["-extension", extension]) as screen:
            is_open, result = open_window(trials, screen.name)
            if is_open:
                trials.opens(row, f"an X server without {extension}", result)
            else:
                trials.refused(row, f"an X server without {extension}", result, ADVICE)
    with Screen() as screen:
        child = subprocess.Popen(
            trials.command("explore", "sprites-64"),
            env=trials.environment(DISPLAY=screen.name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(300):
            if windows(screen.name):
                break
            time.sleep(0.2)
        time.sleep(2)
        screen.process.kill()
        try:
            out, err = child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            err += b"\n(it did not end)"
        trials.refused(
            row, "an X server that goes away", Result(child.returncode, out, err), "display has gone"
        )


def runtime(trials, row):
    """Without a runtime folder a window opens without a word."""
    for what, value in {
        "no XDG_RUNTIME_DIR": None,
        "an empty one": "",
        "a relative one": "here",
        "one that is not there": "/nowhere",
    }.items():
        shot = trials.path("runtime.png")
        result = trials.idgan(
            "explore", "sprites-64", "--screenshot", shot, env=trials.environment(XDG_RUNTIME_DIR=value)
        )
        if "no graphics driver" in result.err:
            trials.skip(row, f"a screenshot, {what}", "no graphics driver")
        else:
            trials.opens(row, f"a screenshot, {what}", result, (not result.err, "it should say nothing"))
        if has_screens(trials, row, f"a window, {what}"):
            with Screen() as screen:
                is_open, result = open_window(trials, screen.name, XDG_RUNTIME_DIR=value)
                trials.opens(
                    row,
                    f"a window, {what}",
                    result,
                    (is_open, "a window should open"),
                    (not result.err, "it should say nothing"),
                )


def settings(trials, row):
    """23: a home that keeps no settings is said, and no hindrance."""
    if not has_screens(trials, row, "a window without a home"):
        return
    spare = trials.fresh("settings")
    for what, places in {
        "a home that is not there": {"HOME": "/proc/nowhere", "TMPDIR": spare},
        "a folder of settings that is a file": {"XDG_CONFIG_HOME": "/dev/null", "TMPDIR": spare},
        "no place at all": {"HOME": "/proc/nowhere", "TMPDIR": "/proc/nowhere"},
    }.items():
        with Screen() as screen:
            # where even a bundled model has no place, one is named
            model = trials.checkpoints / "sprites-64.safetensors"
            is_open, result = open_window(trials, screen.name, model=model, **places)
            told = ("XDG_CONFIG_HOME" in result.err, "it should say so")
            trials.opens(row, f"a window, {what}", result, (is_open, "a window should open"), told)


def run(trials):
    trials.each({"23": settings, "16": wayland, "20": displays, "runtime": runtime})
