"""Published data sets into the cache: whole and right, or not at all."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from rfp_md.errors import UserError
from rfp_md.io.datasets import CITATIONS, Published, find
from rfp_md.io.options import FetchOptions
from rfp_md.progress import Progress
from rfp_md.verbs import with_options

PATIENCE = 30.0  # s without a byte
CHUNK = 2**16  # bytes

SLOWEST = 1024  # bytes in a second, on average
MOST = 2**33  # bytes of a file whose size we do not know; the largest of MD17 has 2 GB
OTHER = "so it is another file; name another source with --mirror URL"


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
    if entry.bytes is not None and path.is_file() and path.stat().st_size != entry.bytes:
        path.unlink()
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
        import requests
        from urllib3.exceptions import HTTPError

        try:
            # Without compression on the way, what is counted is what is published.
            headers = {"Accept-Encoding": "identity"}
            with (
                requests.get(url, stream=True, timeout=PATIENCE, headers=headers) as response,
                Path(output_file).open("wb") as file,
            ):
                response.raise_for_status()
                self._receive(response, file, url)
        except (requests.RequestException, HTTPError, TimeoutError, ValueError) as error:
            raise UserError(
                f"{self.entry.name}: cannot be fetched from {url} ({_reason(error)}); look at the network and the "
                "address, or name another source with --mirror URL"
            ) from error
        self._check(url, Path(output_file))
        # What is published may be read by everybody who shares the cache.
        Path(output_file).chmod(0o644)
        self.done = True

    def _receive(self, response: Any, file: BinaryIO, url: str) -> None:
        """Write what comes, as long as it may be the file, and comes at all."""
        said = response.headers.get("Content-Length", "")
        promised = int(said) if said.isdecimal() else None
        most = self.entry.bytes or MOST
        self.progress.start(f"fetching {self.entry.name}", (promised or self.entry.bytes or 0) // 1024, "KiB")
        self._compare(promised, url)
        got, begin = 0, time.monotonic()
        while chunk := response.raw.read1(CHUNK):
            file.write(chunk)
            self.progress.advance((got + len(chunk)) // 1024 - got // 1024)
            got += len(chunk)
            if got > most:
                raise UserError(f"{self.entry.file}: {url} sends more than {most:,} bytes, {OTHER}")
            waited = time.monotonic() - begin
            if waited > PATIENCE and got < SLOWEST * waited:
                raise TimeoutError(f"less than {SLOWEST} bytes in a second")
        if promised is not None and got < promised:
            raise TimeoutError(f"it ended after {got:,} of {promised:,} bytes")
        self._compare(got, url)

    def _compare(self, size: int | None, url: str) -> None:
        """Refuse another size than the published one."""
        if size is not None and self.entry.bytes is not None and size != self.entry.bytes:
            raise UserError(
                f"{self.entry.file}: has {self.entry.bytes:,} bytes as published, but {size:,} at {url}, {OTHER}"
            )

    def _check(self, url: str, file: Path) -> None:
        """Refuse what has not the published checksum, or cannot be opened as what it is called."""
        import pooch

        expected, got = self.entry.sha256, pooch.file_hash(str(file))
        if expected is not None and got != expected:
            raise UserError(
                f"{self.entry.file}: has SHA-256 {got} and not {expected}, so it is another file or was damaged on the "
                f"way from {url}; fetch it again, or from another --mirror"
            )
        if not OPENS[file.with_name(self.entry.file).suffix](file):
            raise UserError(
                f"{self.entry.file}: what {url} sends is not such a file, but perhaps a page with a message; open "
                "the address in a browser, or name another source with --mirror URL"
            )


def _is_npz(file: Path) -> bool:
    """Whether it is a zip of arrays, with its directory at the end."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as packed:
        names = packed.namelist()
    return bool(names) and all(name.endswith(".npy") for name in names)


def _is_bzip2(file: Path) -> bool:
    """Whether it begins as bzip2 does; its checksum is known, which says the rest."""
    with file.open("rb") as opened:
        return opened.read(3) == b"BZh"


OPENS = {".npz": _is_npz, ".bz2": _is_bzip2}


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"{response.status_code} {response.reason}"
    return str(error) if isinstance(error, TimeoutError) else type(error).__name__
