/** The judgement of other parsers about a whole document. */
import sax from 'sax';
import { SaxesParser } from 'saxes';
import { NS } from '../../src/protocol/namespaces.ts';

/**
 * The first complaint of saxes, namespace-aware and conforming; null when it accepts. Bytes that are not UTF-8 are
 * refused.
 */
export function saxesComplaint(bytes: Buffer): string | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return 'not UTF-8';
  }
  let complaint: string | null = null;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => (complaint ??= error.message));
  parser.write(text).close();
  return complaint;
}

/** The first complaint of sax in strict mode; null when it accepts. */
export function saxComplaint(text: string): string | null {
  let complaint: string | null = null;
  const parser = sax.parser(true, { xmlns: true });
  parser.onerror = (error) => {
    complaint ??= error.message;
    parser.resume();
  };
  parser.write(text).close();
  return complaint;
}

/**
 * The meaning of a stream's content: names as {namespace}local, sorted attributes, text; without prefixes and
 * declarations.
 */
export function meaning(document: string): unknown[] {
  const events: unknown[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') events.push(text);
    text = '';
  };
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ uri, local, attributes }) => {
    flush();
    const own = Object.values(attributes).filter((attribute) => attribute.uri !== NS.xmlns);
    events.push([
      `{${uri}}${local}`,
      own.map((attribute) => `{${attribute.uri}}${attribute.local}=${attribute.value}`).sort(),
    ]);
  });
  parser.on('closetag', () => {
    flush();
    events.push('/');
  });
  parser.on('text', (part) => (text += part));
  parser.on('cdata', (part) => (text += part));
  parser.write(document).close();
  return events.slice(1); // without the stream header
}
