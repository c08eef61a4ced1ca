"""The first weeks of the year that `soppa year` plays: what fires, who answers, and that nothing goes wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

SOPPA = Path(sys.executable).with_name("soppa")


def test_the_first_weeks_of_a_year_go_well() -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([SOPPA, "year", "--days", "60", "--json"], env=environment, capture_output=True, text=True,
                          timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["incidents"], report["refused"]) == (0, [])
    cases = {(line["process"], line["outcome"]): line["number"] for line in report["cases"]}
    assert cases["annual_attestation", "renewed"] > 5
    assert any(process == "vendor_sponsorship" for process, _ in cases)
    assert not [line for line in report["deadlines"] if line["ended"] == "missed"]
    assert {line["whose"] for line in report["budgets"]} >= {"officer, mails a day", "teacher, mails a request"}
