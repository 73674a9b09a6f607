"""What docs/reports.md says of verdicts is what was measured."""

import pandas as pd


def test_page_has_the_table_of_verdicts(repository):
    page = (repository / "docs/reports.md").read_text(encoding="utf-8")
    rows = pd.read_csv(repository / "docs/report_verdicts.csv").to_dict("records")
    assert len(rows) == 6
    for row in rows:
        shares = " | ".join(f"{100 * row[kind]:.0f} %" for kind in ("good", "look", "bad"))
        assert f"| {row['result']} | {shares} |" in page
        assert f"on {row['crops']} denoised crops" in page
