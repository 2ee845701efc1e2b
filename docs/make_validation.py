"""Write the tables of docs/validation.md from rfp_md.validation.thresholds:  python docs/make_validation.py"""

from pathlib import Path

from rfp_md.validation.thresholds import LIMITS

PAGE = Path(__file__).with_name("validation.md")
BEGIN, END = "<!-- limits of {} -->", "<!-- end -->"


def page(text: str) -> str:
    """The page with its tables as they must be."""
    for check in dict.fromkeys(limit.check for limit in LIMITS):
        begin = BEGIN.format(check)
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table(check)}\n{END}{rest.partition(END)[2]}"
    return text


def table(check: str) -> str:
    """The limits of one check, as Markdown."""
    rows = [
        f"| `{limit.figure}`{f', {limit.unit}' if limit.unit else ''} | {limit.meaning.replace('|', chr(92) + '|')} "
        f"| {limit.text(limit.strict)} | {limit.text(limit.default)} | {limit.source} |"
        for limit in LIMITS
        if limit.check == check
    ]
    return "\n".join(["| figure | what it is | strict | default | from |", "|---|---|---|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
