"""Makes the inputs of the trials, runs the program on them and prints a line for each. Run by scripts/check-trials."""

import argparse
import pathlib
import shutil
import sys
import tempfile

import archives
import checkpoints
import code_files
import machine
import pictures
import terminal
import window
from harness import Trials


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idgan", required=True, help="the program")
    parser.add_argument("--checkpoints", required=True, help="the folder of the bundled models")
    parser.add_argument("--rows", help="only these rows, for instance 1,17,spaces")
    parser.add_argument("--keep", help="make the inputs in this new folder and leave them there")
    arguments = parser.parse_args()
    rows = arguments.rows.split(",") if arguments.rows else None
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="idgan-trials-"))
    folder.mkdir(parents=True, exist_ok=True)
    # other users are among those who try
    folder.chmod(0o755)
    try:
        trials = Trials(arguments.idgan, arguments.checkpoints, folder.resolve(), rows)
        for module in (checkpoints, code_files, archives, pictures, machine, terminal, window):
            module.run(trials)
        print(f"{trials.tried} tried, {trials.bad} bad, {trials.skipped} skipped")
        sys.exit(1 if trials.bad else 0)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


main()
