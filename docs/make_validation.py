"""Write the tables of docs/validation.md from the table of checks and its limits:  python docs/make_validation.py"""

from pathlib import Path

from rfp_md.validation.checks import names
from rfp_md.validation.thresholds import limits_of

PAGE = Path(__file__).with_name("validation.md")
BEGIN, END = "<!-- limits of {} -->", "<!-- end -->"


def page(text: str) -> str:
    """The page with its tables as they must be."""
    for check in names():
        begin = BEGIN.format(check)
        if begin not in text:
            raise SystemExit(f"docs/validation.md says nothing of {check}; give it a section with '{begin}' in it")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table(check)}\n{END}{rest.partition(END)[2]}"
    return text


def table(check: str) -> str:
    """The limits of one check, as Markdown."""
    rows = [
        f"| `{name}`{f', {figure.unit}' if figure.unit else ''} | {figure.meaning.replace('|', chr(92) + '|')} "
        f"| {limit.text(limit.strict)} | {limit.text(limit.default)} | {limit.source} |"
        for name, figure in limits_of(check).items()
        if (limit := figure.limit)
    ]
    return "\n".join(["| figure | what it is | strict | default | from |", "|---|---|---|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
