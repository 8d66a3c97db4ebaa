"""Documents as they came, each under the hash of its bytes: what was decided on them can be derived again."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from bot.errors import SourceError

ENDING: Final = ".gz"


class Archive:
    """A folder that only grows: compressed, the same bytes once, and a kill leaves a whole document or none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, document: bytes) -> str:
        """The document's SHA-256, under which it is kept from now on; SourceError when it cannot be written."""
        digest = hashlib.sha256(document).hexdigest()
        path = self._path(digest)
        try:
            if self.read(digest) is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, gzip.compress(document, mtime=0))
        except OSError as error:
            raise SourceError(f"{path}: the archive cannot be written ({error.strerror})") from None
        return digest

    def read(self, digest: str) -> bytes | None:
        """The document of this hash; None when it is not there or is no longer what it was."""
        try:
            document = gzip.decompress(self._path(digest).read_bytes())
        except (OSError, EOFError, zlib.error):
            return None
        return document if hashlib.sha256(document).hexdigest() == digest else None

    def __iter__(self) -> Iterator[str]:
        """The hash of every document, in the order of the hashes."""
        return (path.name.removesuffix(ENDING) for path in sorted(self._folder.glob(f"??/{'?' * 64}{ENDING}")))

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}{ENDING}"


def _write(path: Path, content: bytes) -> None:
    """Let the content appear under its name all at once."""
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        part.write(content)
        part.flush()
        os.fsync(part.fileno())
    Path(part.name).replace(path)
