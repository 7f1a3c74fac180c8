"""What is in an archive of ZIP, whose directory is at its end: so it goes through a temporary file (0600).

Source: PKWARE APPNOTE.
"""

import shutil
import struct
import zipfile
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from cncbops.errors import CannotRun
from cncbops.lake.pieces import PIECE_BYTES, Damaged, chunks

_IN_MEMORY = 16 * 1024 * 1024


def entries(stream: BinaryIO) -> Iterator[bytes]:
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        _spool(stream, cast(BinaryIO, spool))
        try:
            with zipfile.ZipFile(cast(BinaryIO, spool)) as archive:
                for entry in archive.infolist():
                    yield from _entry(archive, entry)
        except (zipfile.BadZipFile, EOFError, ValueError, struct.error, NotImplementedError) as error:
            raise Damaged(str(error)) from error


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if entry.flag_bits & 1:
        raise Damaged("is encrypted")
    # zipfile undoes the others without a limit to what one read may give.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Damaged(f"is compressed by method {entry.compress_type}, not stored or deflated")
    with archive.open(entry) as content:
        yield from chunks(cast(BinaryIO, content))


def _spool(stream: BinaryIO, spool: BinaryIO) -> None:
    try:
        shutil.copyfileobj(stream, spool, PIECE_BYTES)
        spool.seek(0)
    except OSError as error:
        raise CannotRun(
            f"no temporary file could be written: {error.strerror}",
            "Make room, or set TMPDIR to a larger disk",
        ) from error
