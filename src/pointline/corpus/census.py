"""What tells records apart, in eight bytes each: ids, texts, documents, annotations.

A census of a file takes about 50 bytes a record whatever its texts are, so that repeated ids, twins
and documents are found in files that do not fit into memory. Two different strings share one of
its digests with a chance of 3 in 10 million for a million records.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.corpus import recordfile
from pointline.corpus.twins import key
from pointline.errors import RecordError
from pointline.format.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Census", "annotation", "digest", "first_of", "take", "text_digest"]


def digest(value: str) -> int:
    """Return eight bytes that stand for a string, never 0.

    >>> digest("京都") == digest("京都") != digest("京都市")
    True
    """
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest()) or 1


def text_digest(text: str) -> int:
    """Return the digest of a text: the same for twins (`twins.key`).

    >>> text_digest("The cat!") == text_digest("Ｔｈｅ　cat")
    True
    """
    return digest(key(text) or text)


def annotation(record: Record, *, folded: bool = False) -> int:
    """Return the digest of label and items without order and places; `folded` as twins are.

    >>> one, other = Record("1", "", "Ada", "x"), Record("2", "", "ada", "x")
    >>> annotation(one) == annotation(other)
    True
    """
    items = record.items
    if folded:
        items = tuple(tuple(key(field) or field for field in item) for item in items)
    return digest(f"{record.label!r}{sorted(items)!r}")


class Census:
    """The digests of records, one array a property, in the order in which they were added.

    `source` is the number of the file, `line` the line or row in it; `document` is 0 for a record
    whose `meta` names none.
    """

    def __init__(self) -> None:
        """Begin with no record."""
        self.source, self.line = array("H"), array("Q")
        self.id, self.text = array("Q"), array("Q")
        self.document, self.annotation = array("Q"), array("Q")

    def __len__(self) -> int:
        """Return how many records were added."""
        return len(self.line)

    def add(self, record: Record, *, source: int, line: int) -> None:
        """Add one record."""
        self.source.append(source)
        self.line.append(line)
        self.id.append(digest(record.id))
        self.text.append(text_digest(record.text))
        self.document.append(_document(record))
        self.annotation.append(annotation(record))

    def column(self, name: str) -> NDArray[Any]:
        """Return a property of all records as an array; it is a view, to be read only."""
        import numpy as np

        kept: array[int] = getattr(self, name)
        return np.frombuffer(kept, dtype=f"u{kept.itemsize}")


def _document(record: Record) -> int:
    document = record.meta.get("document")
    return 0 if document is None else digest(f"{record.meta.get('corpus', '')}\0{document}")


def take(paths: Iterable[Path]) -> Census:
    """Return the census of the records of some files.

    Raises RecordError at the first line that is no record.
    """
    census = Census()
    for source, path in enumerate(paths):
        for line, found in recordfile.scan(path):
            if isinstance(found, RecordError):
                raise found
            census.add(found, source=source, line=line)
    return census


def first_of(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each place the first place that holds the same value.

    >>> import numpy as np
    >>> first_of(np.array([7, 5, 7, 5, 9])).tolist()
    [0, 1, 0, 1, 4]
    """
    import numpy as np

    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64, copy=False)
