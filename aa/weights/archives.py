"""The entries of a torch zip file, mapped: an entry costs memory once it is used."""

import struct
import zipfile

import numpy as np


def mapped(path):
    """The bytes of a file, as an array that is read where it is used."""
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))


class TorchArchive:
    """The entries of a torch zip file; torch stores them uncompressed, one after the other."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.entries = {entry.filename: entry for entry in archive.infolist()}
        self.data = mapped(path)
        stored = (e for e in self.entries.values() if e.compress_type == zipfile.ZIP_STORED)
        size = sum(entry.file_size for entry in stored)  # of others, nothing is read
        if size > self.data.size:
            raise ValueError(f"its entries hold {size} bytes, the file only {self.data.size}")

    def read(self, name):
        """Bytes of one entry, as a view of the file."""
        if name not in self.entries:
            raise ValueError(f"it has no {name}")
        entry = self.entries[name]
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed, which torch never does")
        header = self.data[entry.header_offset : entry.header_offset + 30].tobytes()
        start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))  # name, extra
        content = self.data[start : start + entry.file_size]
        if content.size != entry.file_size:
            raise ValueError(f"it ends before {name}")
        return content
