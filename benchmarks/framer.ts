/**
 * How fast is the framer beside XML parsers that also check, or do not check, what they read?
 * Run: node --import tsx benchmarks/framer.ts [framer]   (about five minutes, one core; with the argument, the framer and
 * `@xmpp/xml` only, and half of that)
 * Every stream in every chunking; interleaved rounds, so that a busy machine hurts all alike; medians; ratios to the Parser of
 * `@xmpp/xml` on the same chunks, with the decoder that serves it best there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { Parser as XmppParser } from '@xmpp/xml';
import sax from 'sax';
import { SaxesParser } from 'saxes';
import { Framer } from '../src/adapters/framer/framer.ts';

const ROUNDS = 9;
const ROUND_MS = 60;
/** What a stream in another chunking teaches the compiler takes its time. */
const WARM_UP_MS = 300;

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' to='b.example' from='a.example' id='s1' version='1.0'>`;

function message(index: number, body: string): string {
  const user = `user${index % 40}`;
  return `<message to='${user}@b.example' from='juliet${index % 7}@a.example/balcony' id='m${index}' type='chat'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>`;
}

const BODY = 'Wherefore art thou, &amp; whose? I cannot say it shorter: ';
const TEXTS: Record<string, string> = {
  'messages of 300 bytes': Array.from({ length: 800 }, (_, i) => message(i, BODY.repeat(2).slice(0, 90))).join(''),
  'messages of 4 kB': Array.from({ length: 60 }, (_, i) => message(i, BODY.repeat(68))).join(''),
  'messages of 300 bytes, Cyrillic': Array.from({ length: 800 }, (_, i) =>
    message(i, 'Зачем же ты Ромео? '.repeat(3)),
  ).join(''),
  'iq with 20 items': Array.from({ length: 120 }, (_, i) => {
    const items = Array.from(
      { length: 20 },
      (_, n) => `<item jid="room${n}@muc.b.example" name='Room &quot;${n}&quot;'/>`,
    ).join('');
    return `<iq to='u${i}@b.example' from='muc.a.example' id='q${i}' type='result'><query xmlns='http://jabber.org/protocol/disco#items'>${items}</query></iq>`;
  }).join(''),
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
const CHUNKINGS: Record<string, Chunking> = {
  '64 KiB': every(65_536),
  '1 KiB': every(1024),
  'random, 1 to 3000 bytes': random(3000),
  '64 bytes': every(64),
  'random, 1 to 20 bytes': random(20),
  '1 byte': every(1),
};
/** Of a stream in small chunks so much is read, or their objects, and not their bytes, would fill the caches. */
const MOST_CHUNKS = 4000;

let sink = 0;
const count = (): void => {
  sink++;
};

const XMPP_XML = '@xmpp/xml';
const XMPP_XML_STRING_DECODER = '@xmpp/xml, StringDecoder';

/** One pass over a whole stream. String parsers decode as they must on a socket: with a streaming decoder. */
const readers: Record<string, (chunks: readonly Buffer[]) => void> = {
  framer(chunks) {
    const handler = { streamOpened: count, stanza: count, element: count, streamClosed: count, fault: fail };
    const framer = new Framer(handler);
    for (const chunk of chunks) framer.push(chunk);
  },
  [XMPP_XML](chunks) {
    const parser = new XmppParser();
    parser.on('element', count);
    const decoder = new TextDecoder();
    for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
  },
  [XMPP_XML_STRING_DECODER](chunks) {
    const parser = new XmppParser();
    parser.on('element', count);
    const decoder = new StringDecoder('utf8');
    for (const chunk of chunks) parser.write(decoder.write(chunk));
  },
  'sax strict'(chunks) {
    const parser = sax.parser(true, { xmlns: true });
    parser.onopentag = count;
    const decoder = new TextDecoder();
    for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
  },
  saxes(chunks) {
    const parser = new SaxesParser({ xmlns: true });
    parser.on('opentag', count);
    const decoder = new TextDecoder();
    for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
  },
};

function fail(what: unknown): never {
  throw new Error(`the benchmark's own stream is refused: ${JSON.stringify(what)}`);
}

/** CPU time of this thread, where the kernel tells it: other processes do not count then. Else the wall clock. */
const scheduling = `/proc/self/task/${process.pid}/schedstat`;
const now = existsSync(scheduling)
  ? (): number => Number(readFileSync(scheduling, 'utf8').split(' ')[0]) / 1e6
  : (): number => performance.now();

function megabytesPerSecond(
  read: (chunks: readonly Buffer[]) => void,
  chunks: readonly Buffer[],
  size: number,
  milliseconds: number,
): number {
  const start = now();
  let passes = 0;
  let elapsed: number;
  do {
    read(chunks);
    passes++;
    elapsed = now() - start;
  } while (elapsed < milliseconds);
  return (passes * size) / elapsed / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

const only = process.argv[2];
const wanted = Object.entries(readers).filter(
  ([name]) => only === undefined || name === only || name.startsWith(XMPP_XML),
);
let lowest = Infinity;
for (const [textName, text] of Object.entries(TEXTS)) {
  const whole = Buffer.from(HEADER + text);
  for (const [chunkName, chunking] of Object.entries(CHUNKINGS)) {
    const chunks = chunking(whole).slice(0, MOST_CHUNKS);
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const rates = new Map<string, number[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, read] of wanted) {
        const rate = megabytesPerSecond(read, chunks, size, round === 0 ? WARM_UP_MS : ROUND_MS);
        if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]); // the first round warms up
      }
    }
    const base = Math.max(median(rates.get(XMPP_XML) ?? []), median(rates.get(XMPP_XML_STRING_DECODER) ?? []));
    console.log(`\n${textName}, chunks ${chunkName}`);
    for (const [name, values] of rates) {
      const rate = median(values);
      if (name === 'framer') lowest = Math.min(lowest, rate / base);
      console.log(
        `  ${name.padEnd(25)} ${rate.toFixed(1).padStart(7)} MB/s  ${(rate / base).toFixed(2).padStart(6)} x`,
      );
    }
  }
}
console.log(`\nlowest ratio of the framer: ${lowest.toFixed(2)} (${sink} events)`);
