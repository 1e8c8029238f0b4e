/** The output of a framer for given bytes, as plain data that can be compared. */
import type { FramerLimits } from '../../src/adapters/framer/framer.ts';
import { Framer } from '../../src/adapters/framer/framer.ts';
import type { Stanza } from '../../src/protocol/stanza.ts';

export const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " +
  "xmlns:db='jabber:server:dialback' to='b.example' from='a.example' id='s1' version='1.0'>";

export interface Framed {
  /** `opened`, `stanza …`, `element …`, `closed`, `fault …`, in order; runs of white space are left out. */
  readonly events: string[];
  readonly stanzas: Stanza[];
  readonly fault: string | null;
  readonly text: string;
}

/** Pushes chunks into a new framer. */
export function frame(chunks: Iterable<Buffer>, limits: Partial<FramerLimits> = {}): Framed {
  const events: string[] = [];
  const stanzas: Stanza[] = [];
  let condition: string | null = null;
  let text = '';
  const framer = new Framer(
    {
      streamOpened: (tag, bytes) => events.push(`opened ${bytes} ${JSON.stringify(tag)}`),
      stanza(stanza) {
        stanzas.push(stanza);
        events.push(`stanza ${stanza.kind} ${stanza.to ?? '-'} ${stanza.from ?? '-'} ${stanza.bytes.toString()}`);
      },
      element: (element) => events.push(`element ${element.toString()}`),
      streamClosed: () => events.push('closed'),
      fault(fault) {
        condition = fault.condition;
        text = fault.text ?? '';
        events.push(`fault ${fault.layer} ${fault.condition} ${text}`);
      },
    },
    limits,
  );
  for (const chunk of chunks) framer.push(chunk);
  return { events, stanzas, fault: condition, text };
}

export const whole = (text: string | Buffer): Buffer[] => [Buffer.from(text as string)];

export function* byteByByte(bytes: Buffer): Generator<Buffer> {
  for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1);
}
