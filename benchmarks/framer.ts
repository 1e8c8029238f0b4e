/**
 * How fast is the framer compared with XML parsers that also check what they read, and with some that do not? Run: node
 * --import tsx benchmarks/framer.ts [framer]   (about seven minutes on one core; with the argument, only the framer and
 * `@xmpp/xml`, in half the time)
 *
 * Every stream in every chunking; rounds are interleaved, so that a busy machine affects all readers alike; medians;
 * ratios to the Parser of `@xmpp/xml` on the same chunks, with the decoder that suits it best there. The header is fed
 * whole: a parser that receives an XML declaration in pieces may lose it and everything after it, as the one of
 * `@xmpp/xml` does. A reader that misses a stanza aborts the benchmark. In chunks of 64 KiB libexpat reads the same
 * bytes in the same rounds, through Debian's Python, without namespaces or handlers, which is the least work it can do;
 * in smaller chunks this would measure Python.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StringDecoder } from 'node:string_decoder';
import { Parser as XmppParser } from '@xmpp/xml';
import sax from 'sax';
import { SaxesParser } from 'saxes';
import { Framer } from '../src/adapters/framer/framer.ts';
import { temporaryFolder } from '../test/support/processes.ts';

const ROUNDS = 9;
/** The kernel updates a thread's processor time every 4 ms. */
const ROUND_MS = 150;
/** The compiler needs time to adapt to a stream in another chunking. */
const WARM_UP_MS = 300;

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' to='b.example' from='a.example' id='s1' version='1.0'>`;

function message(index: number, body: string): string {
  const user = `user${index % 40}`;
  return `<message to='${user}@b.example' from='juliet${index % 7}@a.example/balcony' id='m${index}' type='chat'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>`;
}

const BODY = 'Wherefore art thou, &amp; whose? I cannot say it shorter: ';
const TEXTS: Record<string, readonly string[]> = {
  'messages of 300 bytes': Array.from({ length: 800 }, (_, i) => message(i, BODY.repeat(2).slice(0, 90))),
  'messages of 4 kB': Array.from({ length: 60 }, (_, i) => message(i, BODY.repeat(68))),
  'messages of 300 bytes, Cyrillic': Array.from({ length: 800 }, (_, i) => message(i, 'Зачем же ты Ромео? '.repeat(3))),
  'iq with 20 items': Array.from({ length: 120 }, (_, i) => {
    const items = Array.from(
      { length: 20 },
      (_, n) => `<item jid="room${n}@muc.b.example" name='Room &quot;${n}&quot;'/>`,
    ).join('');
    return `<iq to='u${i}@b.example' from='muc.a.example' id='q${i}' type='result'><query xmlns='http://jabber.org/protocol/disco#items'>${items}</query></iq>`;
  }),
};

type Chunking = (bytes: Buffer) => Buffer[];
const every =
  (size: number): Chunking =>
  (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
const random =
  (largest: number): Chunking =>
  (bytes) => {
    const chunks: Buffer[] = [];
    let state = 12345;
    for (let at = 0; at < bytes.length;) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const size = 1 + ((state >> 8) % largest);
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return chunks;
  };
const LARGEST_BYTES = 65_536;
const LARGEST = '64 KiB';
const CHUNKINGS: Record<string, Chunking> = {
  [LARGEST]: every(LARGEST_BYTES),
  '1 KiB': every(1024),
  'random, 1 to 3000 bytes': random(3000),
  '64 bytes': every(64),
  'random, 1 to 20 bytes': random(20),
  '1 byte': every(1),
};
/** This many are read repeatedly; with more, the chunk objects, and not their bytes, would fill the caches. */
const MOST_CHUNKS = 2000;
/** Reading the clock takes 10 µs, a sixth of a pass over single bytes. */
const PASSES = 16;

let sink = 0;
const count = (): void => {
  sink++;
};

const XMPP_XML = '@xmpp/xml';
const XMPP_XML_STRING_DECODER = '@xmpp/xml, StringDecoder';
const LIBEXPAT = 'libexpat';

type Read = (chunks: readonly Buffer[]) => void;

/**
 * Each opens one stream, to which all passes over the chunks belong. String parsers decode as they must on a socket:
 * with a streaming decoder.
 */
const readers: Record<string, () => Read> = {
  framer() {
    const handler = { streamOpened: count, stanza: count, element: count, streamClosed: count, fault: fail };
    const framer = new Framer(handler);
    framer.push(Buffer.from(HEADER));
    return (chunks) => {
      for (const chunk of chunks) framer.push(chunk);
    };
  },
  [XMPP_XML]() {
    const parser = new XmppParser();
    parser.on('element', count);
    parser.write(HEADER);
    const decoder = new TextDecoder();
    return (chunks) => {
      for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
    };
  },
  [XMPP_XML_STRING_DECODER]() {
    const parser = new XmppParser();
    parser.on('element', count);
    parser.write(HEADER);
    const decoder = new StringDecoder('utf8');
    return (chunks) => {
      for (const chunk of chunks) parser.write(decoder.write(chunk));
    };
  },
  'sax strict'() {
    const parser = sax.parser(true, { xmlns: true });
    parser.onopentag = count;
    parser.write(HEADER);
    const decoder = new TextDecoder();
    return (chunks) => {
      for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
    };
  },
  saxes() {
    const parser = new SaxesParser({ xmlns: true });
    parser.on('opentag', count);
    parser.write(HEADER);
    const decoder = new TextDecoder();
    return (chunks) => {
      for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
    };
  },
};

function fail(what: unknown): never {
  throw new Error(`the benchmark's own stream is refused: ${JSON.stringify(what)}`);
}

/**
 * CPU time of this thread where the kernel reports it, so that other processes do not count; otherwise the wall clock.
 */
const scheduling = `/proc/self/task/${process.pid}/schedstat`;
const now = existsSync(scheduling)
  ? (): number => Number(readFileSync(scheduling, 'utf8').split(' ')[0]) / 1e6
  : (): number => performance.now();

function megabytesPerSecond(read: Read, { chunks, bytes }: Load, expected: number, milliseconds: number): number {
  const before = sink;
  const start = now();
  let passes = 0;
  let elapsed: number;
  do {
    for (let pass = 0; pass < PASSES; pass++) read(chunks);
    passes += PASSES;
    elapsed = now() - start;
  } while (elapsed < milliseconds);
  if (sink - before !== passes * expected) throw new Error(`${sink - before} events instead of ${passes * expected}`);
  return (passes * bytes) / elapsed / 1000;
}

const folder = temporaryFolder('benchmark', null);
const EXPAT = fileURLToPath(new URL('support/expat.py', import.meta.url));
const hasExpat = spawnSync('python3', ['-c', 'import pyexpat']).status === 0;

function megabytesPerSecondOfExpat({ chunks }: Load): number {
  const file = join(folder.path, 'stanzas.xml');
  writeFileSync(file, Buffer.concat(chunks));
  return Number(
    execFileSync('python3', [EXPAT, HEADER, file, String(LARGEST_BYTES), String(ROUND_MS)], { encoding: 'utf8' }),
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

interface Load {
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  readonly stanzas: number;
  readonly tags: number;
}

/** As many stanzas as fit into MOST_CHUNKS chunks. */
function loadOf(stanzas: readonly string[], chunking: Chunking): Load {
  const text = stanzas.join('');
  const bytes = Buffer.from(text);
  const chunks = chunking(bytes);
  if (chunks.length > MOST_CHUNKS && stanzas.length > 1) return loadOf(stanzas.slice(0, stanzas.length >> 1), chunking);
  return { chunks, bytes: bytes.length, stanzas: stanzas.length, tags: text.match(/<\w/g)?.length ?? 0 };
}

/** Megabytes per second of each reader. */
function ratesOf(load: Load, withExpat: boolean): Record<string, number> {
  const ofExpat: number[] = [];
  const wanted = Object.entries(readers)
    .filter(([name]) => !isShort || name === 'framer' || name.startsWith(XMPP_XML))
    .map(([name, open]) => ({ name, read: open(), rates: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, read, rates } of wanted) {
      const expected = name.startsWith('sax') ? load.tags : load.stanzas;
      const rate = megabytesPerSecond(read, load, expected, round === 0 ? WARM_UP_MS : ROUND_MS);
      if (round > 0) rates.push(rate); // the first round is the warm-up
    }
    if (withExpat && round > 0) ofExpat.push(megabytesPerSecondOfExpat(load));
  }
  const all = withExpat ? [...wanted, { name: LIBEXPAT, rates: ofExpat }] : wanted;
  return Object.fromEntries(all.map(({ name, rates }) => [name, median(rates)]));
}

const isShort = process.argv.includes('framer');
let lowest = Infinity;
let lowestToExpat = Infinity;
if (!hasExpat) console.log('python3 with pyexpat is not installed here: libexpat is left out');
for (const [textName, stanzas] of Object.entries(TEXTS)) {
  for (const [chunkName, chunking] of Object.entries(CHUNKINGS)) {
    const rates = ratesOf(loadOf(stanzas, chunking), hasExpat && chunkName === LARGEST);
    const base = Math.max(rates[XMPP_XML] ?? 0, rates[XMPP_XML_STRING_DECODER] ?? 0);
    lowest = Math.min(lowest, (rates['framer'] ?? 0) / base);
    lowestToExpat = Math.min(lowestToExpat, (rates['framer'] ?? 0) / (rates[LIBEXPAT] ?? 0));
    console.log(`\n${textName}, chunks ${chunkName}`);
    for (const [name, rate] of Object.entries(rates)) {
      const ratio = (rate / base).toFixed(2);
      console.log(`  ${name.padEnd(25)} ${rate.toFixed(1).padStart(7)} MB/s  ${ratio.padStart(6)} x`);
    }
  }
}
folder.remove();
console.log(`\nlowest ratio of the framer: ${lowest.toFixed(2)}`);
if (hasExpat) console.log(`beside libexpat, in chunks of ${LARGEST}: ${lowestToExpat.toFixed(2)}`);
