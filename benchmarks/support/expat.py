"""Megabytes per second that libexpat reads, without handlers: expat.py HEADER FILE CHUNK_BYTES MILLISECONDS. The file
is read repeatedly as one stream."""
import sys
import time
from xml.parsers import expat

header, file, chunk_bytes, milliseconds = sys.argv[1:]
with open(file, "rb") as stanzas:
    text = stanzas.read()
size = int(chunk_bytes)
chunks = [text[at : at + size] for at in range(0, len(text), size)]
parser = expat.ParserCreate()
parser.Parse(header.encode())
read = 0
start = time.process_time()
while (elapsed := time.process_time() - start) < int(milliseconds) / 1000:
    for chunk in chunks:
        parser.Parse(chunk)
    read += len(text)
print(read / elapsed / 1e6)
