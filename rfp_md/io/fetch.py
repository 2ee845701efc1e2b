"""Published data sets into the cache: whole and right, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rfp_md.errors import UserError
from rfp_md.io.datasets import CITATIONS, Published, find
from rfp_md.io.options import FetchOptions
from rfp_md.progress import Progress
from rfp_md.verbs import with_options

PATIENCE = 30.0  # s without a byte
CHUNK = 2**16  # bytes

# What a file begins with: a server may answer with a page that says sorry, and call it a success.
BEGINNINGS = {".npz": b"PK", ".bz2": b"BZh"}


@with_options(FetchOptions)
def fetch(options: FetchOptions) -> dict[str, Any]:
    """Download a data set into the cache, if it is not there; ``rfp_md.io.datasets.published()`` has the names.

    Returns:
        name, path, bytes, sha256 (of the file that is there), verified (whether that is a published checksum),
        downloaded, licence, cite, citation, and units: the flags that the file needs to be read.

    Raises:
        UserError: an unknown name, a network that fails, a file that is not the one, or a folder that cannot be
            written to. Nothing is left of a download that fails.
    """
    import pooch

    entry = find(options.name)
    path = entry.path
    url = entry.url if options.mirror is None else f"{options.mirror.rstrip('/')}/{entry.file}"
    pooch.get_logger().setLevel("ERROR")
    download = _Download(entry, options.progress or Progress())
    try:
        pooch.retrieve(url, known_hash=entry.sha256, fname=path.name, path=path.parent, downloader=download)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error}); RFP_DATA=FOLDER names another place") from error
    return {
        "name": entry.name,
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": pooch.file_hash(str(path)),
        "verified": entry.sha256 is not None,
        "downloaded": download.done,
        "licence": entry.licence,
        "cite": entry.cite,
        "citation": CITATIONS[entry.cite],
        "units": entry.units,
    }


class _Download:
    """pooch's way to get a file; it looks at what has come before that takes its place in the cache."""

    def __init__(self, entry: Published, progress: Progress) -> None:
        self.entry, self.progress = entry, progress
        self.done = False

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        import pooch

        bar = _Bar(f"fetching {self.entry.name}", self.progress)
        try:
            pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, timeout=PATIENCE)(url, output_file, None)
        except OSError as error:
            raise UserError(
                f"{self.entry.name}: cannot be fetched from {url} ({_reason(error)}); look at the network and the "
                "address, or name another source with --mirror URL"
            ) from error
        self._check(url, Path(output_file))
        # What is published may be read by everybody who shares the cache.
        Path(output_file).chmod(0o644)
        self.done = True

    def _check(self, url: str, file: Path) -> None:
        import pooch

        expected, got = self.entry.sha256, pooch.file_hash(str(file))
        if expected is not None and got != expected:
            raise UserError(
                f"{self.entry.file}: has SHA-256 {got} and not {expected}, so it is another file or was damaged on the "
                f"way from {url}; fetch it again, or from another --mirror"
            )
        beginning = BEGINNINGS[file.with_name(self.entry.file).suffix]
        with file.open("rb") as opened:
            if opened.read(len(beginning)) != beginning:
                raise UserError(
                    f"{self.entry.file}: what {url} sends is not such a file, but perhaps a page with a message; open "
                    "the address in a browser, or name another source with --mirror URL"
                )


class _Bar:
    """pooch's idea of a progress bar, told to ours in KiB."""

    def __init__(self, label: str, progress: Progress) -> None:
        self.label, self.progress = label, progress

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "total":
            self.progress.start(self.label, value // 1024, "KiB")

    def update(self, size: int) -> None:
        self.progress.advance(size // 1024)

    def reset(self) -> None:
        """At the end pooch begins anew, to fill its bar at one stroke; ours is full."""
        self.progress = Progress()

    def close(self) -> None:
        pass


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    return type(error).__name__ if response is None else f"{response.status_code} {response.reason}"
