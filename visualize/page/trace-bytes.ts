/** The bytes of a file that is to be read as a trace: as they are, or unpacked from a bundle (docs/explain.md). */

/** In which a bundle tells what it is, and explains; the trace follows (src/trace/explain-bundle.ts). */
const BUNDLE = '{"bundle":';
const TRACE = '{"trace":';
const NEWLINE = 0x0a;

export async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isPacked = first === 0x1f && second === 0x8b;
  const stream = isPacked ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
  const chunks = partsOf(stream, isPacked);
  yield* isPacked ? traceIn(chunks) : chunks;
}

async function* partsOf(stream: ReadableStream<Uint8Array>, isPacked: boolean): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw isPacked ? new Error('it is packed, and cannot be unpacked', { cause: error }) : error;
  } finally {
    await reader.cancel().catch(() => undefined); // whoever stops to read wants no more of it
  }
}

/** From the line on that begins a trace, if the first begins a bundle. */
async function* traceIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isBundle: boolean | null = null;
  let isFound = false;
  let begun = new Uint8Array(0); // what may be the beginning of a line
  let isLineBegin = true;
  for await (const chunk of chunks) {
    if (isFound) {
      yield chunk;
      continue;
    }
    const bytes = new Uint8Array([...begun, ...chunk]);
    begun = new Uint8Array(0);
    let at = 0;
    while (!isFound) {
      if (isLineBegin) {
        const head = new TextDecoder().decode(bytes.subarray(at, at + BUNDLE.length));
        if (head.length < BUNDLE.length) {
          begun = bytes.slice(at);
          break;
        }
        isBundle ??= head === BUNDLE;
        if (!isBundle || head.startsWith(TRACE)) {
          isFound = true;
          yield bytes.subarray(at);
          break;
        }
        isLineBegin = false;
      }
      const end = bytes.indexOf(NEWLINE, at);
      if (end === -1) break;
      at = end + 1;
      isLineBegin = true;
    }
  }
  if (!isFound && begun.length > 0) yield begun;
}
