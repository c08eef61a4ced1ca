"""A process in which somebody answers the first task of each case named; begins when it is told to."""

from __future__ import annotations

import sys

from bench.cases import answer
from cli.home import find_home
from cli.wiring import open_house


def main() -> None:
    with open_house(find_home(None)) as house:
        house.definitions.newest("correction_request")
        print("ready", flush=True)
        sys.stdin.readline()
        for case_id in sys.argv[1:]:
            with house.store.read() as unit:
                case = unit.case(case_id)
            answer(house, case)
        print("done", flush=True)


if __name__ == "__main__":
    main()
