/** What other parsers say about a whole document. */
import sax from 'sax';
import { SaxesParser } from 'saxes';

/** The first complaint of saxes, namespace-aware and conforming; null when it accepts. Bytes that are not UTF-8 are refused. */
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
