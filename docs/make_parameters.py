"""Write docs/parameters.md from the definitions of rfp-md's own plugins:  python docs/make_parameters.py"""

import inspect
from pathlib import Path

from rfp_md import plugins

INTRODUCTION = """# Descriptors, regressors and baselines

Written by `docs/make_parameters.py` from the plugins' own definitions, which `rfp plugins show NAME` prints too.
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [INTRODUCTION]
    for line in plugins.listing():
        if line.package != "rfp-md":
            continue
        plugin = plugins.load(line.kind, line.name)
        parts.append(f"## {line.kind} `{line.name}`\n\n{inspect.getdoc(plugin)}\n")
        if line.capabilities:
            parts.append(f"Declares: {', '.join(line.capabilities)}.\n")
        rows = [f"| `{p.name}` | {p.default} | {p.type} | {p.help} |" for p in plugins.parameters(plugin)]
        parts.append("\n".join(["| parameter | default | type | meaning |", "|---|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("parameters.md").write_text(page())
