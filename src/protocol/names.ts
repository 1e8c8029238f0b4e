/**
 * Domain names (RFC 7622 §3.2). Every table is keyed by the canonical form made here: lower case, A-labels, no final
 * dot. U-labels are for display only.
 */
import { domainToASCII, domainToUnicode } from 'node:url';

const DOT = 0x2e;
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;

/** Longest domainpart, in octets of UTF-8 (RFC 7622 §3.2). */
const MAX_DOMAIN_OCTETS = 1023;
/** Longest label, in octets (RFC 1035 §2.3.4); a longer one can be neither looked up nor certified. */
const MAX_LABEL_OCTETS = 63;
/** Results kept for names that are not canonical; protects memory against a peer that invents spellings. */
const MEMO_ENTRIES = 4096;

/**
 * The canonical key of a domain, or null if `input` is not a domain.
 *
 * One final dot is stripped. IPv4 literals are returned unchanged, IPv6 literals compressed and in brackets. A name
 * that is already canonical costs one scan and no memory: this runs twice per stanza.
 */
export function canonicalDomain(input: string): string | null {
  if (isCanonicalAscii(input)) return input;
  // Checked before the memo, so that no key in it is longer than this.
  if (input.length === 0 || input.length > MAX_DOMAIN_OCTETS + 1) return null;
  const known = memo.get(input);
  if (known !== undefined) return known;
  const canonical = prepare(input);
  if (memo.size >= MEMO_ENTRIES) memo.clear();
  memo.set(input, canonical);
  return canonical;
}

/** The canonical domain of `[local@]domain[/resource]` (RFC 7622 §3.1), or null; the other parts are not prepared. */
export function domainOfJid(jid: string): string | null {
  const slash = jid.indexOf('/');
  const at = jid.indexOf('@');
  const hasLocal = at !== -1 && (slash === -1 || at < slash);
  if (at === 0 && hasLocal) return null;
  if (slash === -1) return canonicalDomain(hasLocal ? jid.slice(at + 1) : jid);
  if (slash === jid.length - 1) return null; // an empty resource is not allowed
  return canonicalDomain(jid.slice(hasLocal ? at + 1 : 0, slash));
}

/** The form for humans, in U-labels; IP literals are unchanged. */
export function unicodeDomain(canonical: string): string {
  return canonical.includes('xn--') ? domainToUnicode(canonical) || canonical : canonical;
}

/** `b.c` and `c` for `a.b.c`: the domains above a canonical one, nearest first. IP literals have none. */
export function parentDomains(domain: string): string[] {
  if (isIpLiteral(domain)) return [];
  const parents: string[] = [];
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1))
    parents.push(domain.slice(dot + 1));
  return parents;
}

/** The canonical form of a policy key, a domain or `*.suffix`; or null if `input` is neither. */
export function canonicalPattern(input: string): string | null {
  if (!input.startsWith('*.')) return canonicalDomain(input);
  const suffix = canonicalDomain(input.slice(2));
  return suffix === null || isIpLiteral(suffix) ? null : `*.${suffix}`;
}

/**
 * Whether a policy key covers a canonical domain: the domain itself, or `*.suffix` for everything below the suffix at
 * any depth, but not the suffix itself. Not for certificates, where `*` is one label (RFC 9525 §6.3).
 */
export function domainMatches(pattern: string, domain: string): boolean {
  const canonical = canonicalPattern(pattern);
  if (canonical === null || !canonical.startsWith('*.')) return canonical === domain;
  if (isIpLiteral(domain)) return false;
  const suffix = canonical.slice(2);
  const cut = domain.length - suffix.length - 1;
  return cut > 0 && domain.charCodeAt(cut) === DOT && domain.endsWith(suffix);
}

/** True for the canonical forms of IP literals: `192.0.2.1`, `[2001:db8::1]`. */
export function isIpLiteral(canonical: string): boolean {
  return canonical.startsWith('[') || IPV4.test(canonical);
}

const memo = new Map<string, string | null>();

/**
 * Lower-case LDH labels (and `_`, which occurs in deployed names) that need no IDNA processing: no `xn--`, and a last
 * label that does not begin with a digit, since much software reads `127.1` and `0x7f` as addresses.
 */
function isCanonicalAscii(name: string): boolean {
  if (name.length > MAX_DOMAIN_OCTETS) return false;
  let labelStart = 0;
  for (let i = 0; i < name.length; i += 1) {
    const c = name.charCodeAt(i);
    if ((c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === UNDERSCORE) continue;
    if (c === HYPHEN) {
      if (i === labelStart) return false;
      if (i === labelStart + 3 && name.startsWith('xn-', labelStart)) return false;
    } else if (c === DOT) {
      if (i === labelStart || i - labelStart > MAX_LABEL_OCTETS || name.charCodeAt(i - 1) === HYPHEN) return false;
      labelStart = i + 1;
    } else {
      return false;
    }
  }
  const first = name.charCodeAt(labelStart); // NaN for an empty label
  return (
    (first < 0x30 || first > 0x39) &&
    name.length - labelStart <= MAX_LABEL_OCTETS &&
    name.charCodeAt(name.length - 1) !== HYPHEN
  );
}

const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;
// Characters that the URL host parser would interpret (`%41`, a port, a path) or let through, and ASCII not used in
// host names.
// eslint-disable-next-line no-control-regex -- these are the characters to refuse
const FORBIDDEN_ASCII = /[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]/;
// UTS 46 drops these silently, so that two spellings look alike; IDNA2008 disallows them. Joiners have their own rules.
const INVISIBLE = /(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}/u;

function prepare(input: string): string | null {
  const name = input.endsWith('.') ? input.slice(0, -1) : input;
  if (new TextEncoder().encode(name).length > MAX_DOMAIN_OCTETS) return null;
  if (IPV4.test(name)) return name;
  if (name.includes(':')) return prepareIpv6(name);
  if (FORBIDDEN_ASCII.test(name) || INVISIBLE.test(name) || ENDS_IN_NUMBER.test(name.toLowerCase())) return null;
  const ascii = domainToASCII(name);
  if (ascii.length > MAX_DOMAIN_OCTETS || ENDS_IN_NUMBER.test(ascii)) return null;
  const labels = ascii.split('.');
  if (!labels.every((label) => label.length <= MAX_LABEL_OCTETS && LABEL.test(label))) return null;
  // `xn--example-` decodes to ASCII `example`: an A-label must survive the round trip, or it could pose as another
  // name.
  if (ascii.includes('xn--') && domainToASCII(domainToUnicode(ascii)) !== ascii) return null;
  return ascii;
}

function prepareIpv6(name: string): string | null {
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  if (!/^[\da-fA-F:.]+$/.test(bare)) return null; // no zone id: it has a meaning only on one host
  return domainToASCII(`[${bare}]`) || null;
}
