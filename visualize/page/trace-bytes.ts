/** The bytes of a file that is to be read as a trace: unchanged, or unpacked from a bundle (docs/explain.md). */

/**
 * A bundle begins with a line that identifies it; explanations follow, line by line; then comes the trace
 * (src/trace/explain/bundle.ts).
 */
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
    throw isPacked ? new Error('it is compressed, and cannot be decompressed', { cause: error }) : error;
  } finally {
    await reader.cancel().catch(() => undefined); // a reader that stops early needs no more of the stream
  }
}

/** From a bundle, the part after the explanations; everything of any other file. */
export async function* traceIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const begins = new LineBegins();
  let isTrace = false;
  for await (const chunk of chunks) {
    if (isTrace) {
      yield chunk;
      continue;
    }
    const found = begins.take(chunk);
    if (found === null) continue;
    isTrace = true;
    yield found;
  }
  if (!isTrace) yield begins.rest;
}

/** Looks at the beginning of each line, until a line begins the trace. */
class LineBegins {
  /** The beginning of a line that is still too short to be recognised. */
  rest: Uint8Array = new Uint8Array(0);
  #isWithinLine = false;
  #isBundle: boolean | null = null;

  /** Returns the available bytes from the beginning of the trace on; null while it has not begun. */
  take(chunk: Uint8Array): Uint8Array | null {
    const bytes = new Uint8Array(this.rest.length + chunk.length);
    bytes.set(this.rest);
    bytes.set(chunk, this.rest.length);
    this.rest = new Uint8Array(0);
    for (let at = 0; at < bytes.length;) {
      if (!this.#isWithinLine) {
        const head = new TextDecoder().decode(bytes.subarray(at, at + BUNDLE.length));
        if (head.length < BUNDLE.length) {
          this.rest = bytes.slice(at);
          return null;
        }
        this.#isBundle ??= head === BUNDLE;
        if (!this.#isBundle || head.startsWith(TRACE)) return bytes.subarray(at);
      }
      const end = bytes.indexOf(NEWLINE, at);
      this.#isWithinLine = end === -1;
      at = end === -1 ? bytes.length : end + 1;
    }
    return null;
  }
}
