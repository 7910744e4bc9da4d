"""The commands: ``python -m smartclass_utils report|predict|study|…``."""

import argparse
import logging
import os
import signal
import sys
from pkgutil import resolve_name

from smartclass_utils import __version__
from smartclass_utils.config import SmartClassError


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(prog="python -m smartclass_utils")
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="run all chapters and export them")
    report.add_argument("--data", help="a folder of images, or 'demo'")
    report.add_argument("--out", help="folder for everything that is made")
    report.add_argument("--epochs", type=int, help="training epochs of every model")
    report.add_argument("--seeds", type=int, help="trainings of every model")
    report.add_argument("--image-size", type=int, help="pixels, height and width")
    report.add_argument("--colour", action="store_true", help="keep the colours")
    report.add_argument(
        "--start", choices=("random", "shipped"), help="first weights of our network"
    )
    check = commands.add_parser("check", help="look at a folder before a run")
    check.add_argument("data", help="a folder of images, or 'demo'")
    for name, does in (("slides", "make a deck of slides"), ("pdf", "print a PDF")):
        made = commands.add_parser(name, help=f"{does} from the last report")
        made.add_argument("--out", help="folder of the report; default: the last one")
    study = commands.add_parser("study", help="train all rows of chapter 5")
    study.add_argument("data", help="a folder of images, or 'demo'")
    study.add_argument("--out", help="JSON file; default: data/results/<name>.json")
    study.add_argument("--rows", default="base", help="report, large, transfer, …")
    study.add_argument("--seeds", type=int, default=3, help="trainings of every row")
    study.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    study.add_argument("--splits", type=int, default=0, help="to redraw, for chapter 6")
    study.add_argument("--folds", type=int, default=0, help="of train and val, for 5.6")
    ship = commands.add_parser("ship", help="put a study's network into the package")
    ship.add_argument("data", help="the folder on which the study was run")
    ship.add_argument("--name", default="Our own", help="of the network in the study")
    ship.add_argument("--carry", help="other images, to measure how it carries over")
    ship.add_argument("--terms", default="not stated", help="of the training images")
    predict = commands.add_parser("predict", help="say what faces look like")
    predict.add_argument("files", nargs="+", metavar="FILE", help="image or folder")
    predict.add_argument("--csv", help="table to write, one row per face")
    predict.add_argument("--model", help="file of a trained network; default: ours")
    predict.add_argument(
        "--whole", action="store_true", help="take whole images, look for no face"
    )
    data = commands.add_parser("data", help="download the real sources")
    data.add_argument(
        "--accept-terms", action="store_true", help="you have read the sources' terms"
    )
    unpack = commands.add_parser("unpack", help="turn FER2013's CSV into images")
    unpack.add_argument("table", help="such as fer2013.csv")
    unpack.add_argument("folder", help="for the images; made if need be")
    combine = commands.add_parser("combine", help="FER2013 with another set's engaged")
    combine.add_argument("fer2013", help="folder of FER2013 with a split")
    combine.add_argument("other", help="folder with labels.csv, such as fer48")
    combine.add_argument("folder", help="for the images; made if need be")
    commands.add_parser("record", help="run the demo report; keep it as committed")
    return root


# The function of each command, and what is printed of its result.
COMMANDS = {
    "report": ("report:run_report", "The report is ready: {}"),
    "check": ("check:check_folder", "{}"),
    "slides": ("slides:make_slides", "The slides are ready: {}"),
    "pdf": ("pdf:make_pdf", "The PDF is ready: {}"),
    "study": ("study:run_study", "The results are stored: {}"),
    "ship": ("ship:ship", "The network ships: {}"),
    "predict": ("predict:run_predict", ""),
    "data": ("download:download_sources", ""),
    "unpack": ("unpack:unpack", "The images are ready: {}"),
    "combine": ("combine:combine", "The images are ready: {}"),
    "record": ("record:record", ""),
}


def run(arguments: argparse.Namespace) -> None:
    """Run one command; heavy modules are imported only by the command in need."""
    options = vars(arguments).copy()
    place, said = COMMANDS[options.pop("command")]
    result = resolve_name(f"smartclass_utils.commands.{place}")(**options)
    if said:
        print(said.format(result))


def main() -> int:
    """Run the command line; say in one sentence what there is to mend.

    Returns:
        0, or 2 if there is something to mend, 130 after Ctrl-C, 1 if nobody takes the
        output any more (``… | head``).
    """
    status, said = 0, ""
    if sys.stdout:  # a pipe or a file may lack letters, mostly on Windows
        sys.stdout.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidies up, too
    try:
        run(parser().parse_args())
    except SystemExit as end:  # argparse has said what is wrong, or given help
        status = end.code
    except SmartClassError as error:
        status, said = 2, str(error)
    except BrokenPipeError:
        status = 1
    except OSError as error:
        what = error.filename or "A file or the output"
        status, said = 2, f"{what} cannot be used ({error.strerror or error}): check "
        said += "that there is room and who may read and write there."
    except KeyboardInterrupt:
        status, said = 130, "stopped before it was done."  # as a shell gives it
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # of the chapter's cell
    try:
        if said:
            print(f"smartclass: {said}", file=sys.stderr)
        print(end="", flush=True)  # here, as a failure at exit cannot be caught
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
