"""Compare the jobs of a sweep, or several runs: `python runners/report.py <multirun folder>`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

import argparse
import sys

from aa.errors import UserError, one_line
from aa.plain import printable


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Write report.html, report.csv and report.json: one page that needs no other "
        "file, with all jobs by their metric, curves, samples and failures."
    )
    parser.add_argument("folders", nargs="+", help="a sweep's folder, or those of several runs")
    parser.add_argument("--metric", help="to compare by, as val/loss; default: the sweep's own")
    parser.add_argument("--output", help="folder to write into; default: the sweep's own")
    arguments = parser.parse_args()
    from aa.reports.report import write_report  # deferred: --help needs nothing of it

    try:
        print(f"report: {printable(write_report(**vars(arguments)))}")
    except (UserError, OSError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)  # as the other runners


if __name__ == "__main__":
    main()
