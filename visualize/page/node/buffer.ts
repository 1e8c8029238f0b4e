/**
 * Replaces Node's `Buffer`, of which charts and causes use little: bytes from hexadecimal, base64 and text, and back.
 * Imported first by the code that replays; nothing else uses it.
 */
type Encoding = 'hex' | 'base64' | 'utf8' | 'latin1';

const fromCodes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
const codesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function bytesOf(text: string, encoding: string): Uint8Array {
  switch (encoding) {
    case 'hex': // up to the first pair of characters that is not hexadecimal, as in Node
      return Uint8Array.from(/^(?:[0-9a-f]{2})*/i.exec(text)?.[0].match(/../g) ?? [], (pair) => parseInt(pair, 16));
    case 'base64': {
      const digits = text
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .replace(/=.*$/s, '')
        .replace(/[^A-Za-z0-9+/]/g, '');
      return codesOf(atob(digits.length % 4 === 1 ? digits.slice(0, -1) : digits));
    }
    case 'latin1':
      return codesOf(text);
    default:
      return new TextEncoder().encode(text);
  }
}

class PageBuffer extends Uint8Array {
  static override from(source: unknown, second?: unknown, length?: number): PageBuffer {
    if (typeof source === 'string')
      return new PageBuffer(bytesOf(source, typeof second === 'string' ? second : 'utf8'));
    if (source instanceof ArrayBuffer) return new PageBuffer(source, Number(second ?? 0), length);
    return new PageBuffer(source as ArrayLike<number>); // bytes, as in Node
  }

  static byteLength(text: string): number {
    return new TextEncoder().encode(text).length;
  }

  override toString(encoding: Encoding = 'utf8', start = 0, end = this.length): string {
    const bytes = this.subarray(start, end);
    if (encoding === 'hex') return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (encoding === 'base64') return btoa(fromCodes(bytes));
    return encoding === 'latin1' ? fromCodes(bytes) : new TextDecoder().decode(bytes);
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, at) => byte === other[at]);
  }
}

Object.assign(globalThis, { Buffer: PageBuffer });
