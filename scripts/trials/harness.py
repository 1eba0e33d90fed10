"""Runs the program and judges what it did."""

import os
import pathlib
import re
import shutil
import subprocess
import traceback

import numpy as np

# No trial takes so long where all is well.
PATIENCE = 300

# The user that may not do what root may.
NOBODY = 65534


class Result:
    """What one run of the program left: exit code and what it said."""

    def __init__(self, code, out, err):
        self.code = code
        self.out, self.err = out.decode(errors="replace"), err.decode(errors="replace")

    @property
    def said(self):
        return self.out + self.err

    def faults(self):
        """What is never right, whatever was tried."""
        if self.code < 0 or "panicked at" in self.said or "RUST_BACKTRACE" in self.said:
            yield "it crashed"
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", self.said):
            yield "control characters reached the terminal"
        errors = [line for line in self.err.splitlines() if line.startswith("error")]
        if len(errors) > 1 or (self.code not in (0, 2) and not errors):
            yield "a failure is told in one line that begins with error:"
        for library in (".cargo/registry", "src/", "Os {", "os error", "Error {", "Err(", "finalize archive"):
            if library in self.err:
                yield f"words of a library: {library}"


class Trials:
    """The place of the inputs, the program, and the counts."""

    def __init__(self, program, checkpoints, folder, rows):
        self.folder, self.rows = folder, rows
        self.tried = self.bad = self.skipped = 0
        # a copy that every user may run
        self.program = folder / "program" / "idgan"
        self.program.parent.mkdir(exist_ok=True)
        shutil.copy(program, self.program)
        self.checkpoints = pathlib.Path(checkpoints).resolve()
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)

    def wants(self, row):
        return self.rows is None or str(row) in self.rows

    def path(self, *parts):
        """A path among the inputs, in folders that are there."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def fresh(self, name):
        """An empty folder."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def environment(self, **changes):
        """The environment of a run: a home of its own, no display; None takes a variable away."""
        gone = (
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "WAYLAND_SOCKET",
            "RUST_LOG",
            "RUST_BACKTRACE",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
        )
        environment = {name: value for name, value in os.environ.items() if name not in gone}
        environment["HOME"] = str(self.home)
        for name, value in changes.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = str(value)
        return environment

    def command(self, *words):
        return [
            os.fsencode(str(word) if isinstance(word, (int, float)) else word)
            for word in (self.program, *words)
        ]

    def idgan(self, *words, cwd=None, env=None, patience=PATIENCE, **options):
        """Runs the program to its end."""
        try:
            done = subprocess.run(
                self.command(*words),
                cwd=cwd or self.folder,
                env=env or self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=patience,
                **options,
            )
        except subprocess.TimeoutExpired as late:
            return Result(-99, late.stdout or b"", (late.stderr or b"") + b"\n(it did not end)")
        return Result(done.returncode, done.stdout, done.stderr)

    def as_nobody(self):
        """Options of a run as a user without rights, where this one may do everything."""
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

    def check(self, row, what, result, *expectations):
        """Prints the verdict on `result`: each expectation is a condition, or a pair of it and what it means."""
        faults = list(result.faults())
        for expectation in expectations:
            holds, meaning = (
                expectation if isinstance(expectation, tuple) else (expectation, "not as it should be")
            )
            if not holds:
                faults.append(meaning)
        self.tried += 1
        verdict = "ok"
        if faults:
            self.bad += 1
            verdict = f"bad: {'; '.join(faults)}"
        print(f"{row:>8}  {what:<58.58} {result.code:>4}  {verdict}", flush=True)
        if faults:
            for line in result.said.strip().splitlines()[-4:]:
                print(f"{'':>10}| {line[:200]!r}", flush=True)

    def opens(self, row, what, result, *expectations):
        """The program did what it was asked, and complained of nothing."""
        self.check(row, what, result, (result.code == 0, "it should end well"), *expectations)

    def refused(self, row, what, result, *expectations):
        """The program refused with a sentence that has all these words (regular expressions); pairs as for `check`."""
        words = [word for word in expectations if isinstance(word, str)]
        others = [pair for pair in expectations if not isinstance(pair, str)]
        missing = [word for word in words if not re.search(word, result.err, re.I)]
        self.check(
            row,
            what,
            result,
            (result.code in (1, 2), "it should be refused"),
            (not missing, f"the message should say {', '.join(missing)}"),
            *others,
        )

    def skip(self, row, what, why):
        self.skipped += 1
        print(f"{row:>8}  {what:<58.58}    -  skipped: {why}", flush=True)

    def each(self, table):
        """Calls the trials of every row that was asked for; one that breaks is bad and spares the others."""
        for row, trial in table.items():
            if not self.wants(row):
                continue
            try:
                trial(self, row)
            except Exception:
                self.tried += 1
                self.bad += 1
                print(
                    f"{row:>8}  {'the trial itself':<58}    -  bad: {traceback.format_exc(limit=-2)!r}",
                    flush=True,
                )


def arrays(path):
    """The arrays of an npz, or none where it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError):
        return {}
