/**
 * Replaces node:url, of which names.ts uses two functions: browsers have the first through URL, and lack the second.
 */

/** Empty if it is not a domain. */
export function domainToASCII(domain: string): string {
  const url = new URL('ws://x');
  url.hostname = domain;
  return url.hostname === 'x' && domain !== 'x' ? '' : url.hostname;
}

/** A-labels as U-labels; other labels stay as they are. Empty if a label cannot be decoded. */
export function domainToUnicode(domain: string): string {
  const labels = domain.split('.').map((label) => (label.startsWith('xn--') ? decoded(label.slice(4)) : label));
  return labels.includes(null) ? '' : labels.join('.');
}

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;

/** Punycode (RFC 3492 §6.2); null if the text is not Punycode. */
function decoded(text: string): string | null {
  const dash = text.lastIndexOf('-');
  const points = Array.from(text.slice(0, Math.max(0, dash)), (letter) => letter.codePointAt(0) ?? 0);
  let [code, index, bias] = [128, 0, 72];
  for (let at = dash < 0 ? 0 : dash + 1; at < text.length;) {
    const before = index;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = digitOf(text.charCodeAt(at++));
      if (digit === null) return null;
      index += digit * weight;
      const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX);
      if (digit < threshold) break;
      weight *= BASE - threshold;
      if (index > 0x7fffffff) return null;
    }
    const count = points.length + 1;
    bias = adapted(index - before, count, before === 0);
    code += Math.floor(index / count);
    index %= count;
    if (code > 0x10ffff) return null;
    points.splice(index++, 0, code);
  }
  return String.fromCodePoint(...points);
}

/** NaN, which results past the end of the text, is not a digit either. */
function digitOf(letter: number): number | null {
  if (letter >= 0x61 && letter <= 0x7a) return letter - 0x61;
  return letter >= 0x30 && letter <= 0x39 ? letter - 0x30 + 26 : null;
}

/** RFC 3492 §6.1, with its parameters of §5. */
function adapted(delta: number, count: number, isFirst: boolean): number {
  let left = Math.floor(delta / (isFirst ? 700 : 2));
  left += Math.floor(left / count);
  let k = 0;
  for (; left > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) left = Math.floor(left / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * left) / (left + 38));
}
