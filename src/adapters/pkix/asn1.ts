/** Reads ASN.1 values (X.690) as a tree: node-forge's parser under types that say what can be absent. */
import forge from 'node-forge';

export type Asn1Node = Pick<forge.asn1.Asn1, 'tagClass' | 'type' | 'constructed' | 'value'>;

export const CONTEXT = 0x80;
export const UNIVERSAL = 0x00;
export const TYPE = {
  boolean: 1,
  integer: 2,
  octetString: 4,
  oid: 6,
  utf8String: 12,
  sequence: 16,
  printableString: 19,
  teletexString: 20,
  ia5String: 22,
  utcTime: 23,
  generalizedTime: 24,
  bmpString: 30,
} as const;

/**
 * The one value that `der` holds, nothing after it.
 * @throws Error when it is not well formed.
 */
export function parseAsn1(der: Uint8Array | string): Asn1Node {
  const bytes =
    typeof der === 'string' ? der : Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('latin1');
  return forge.asn1.fromDer(bytes);
}

/** The values inside a constructed one; none when it is primitive. */
export function childrenOf(node: Asn1Node | undefined): readonly Asn1Node[] {
  return typeof node?.value === 'object' ? node.value : [];
}

/** The octets of a primitive value as a string of code units 0 to 255; null when the value is constructed. */
export function octetsOf(node: Asn1Node | undefined): string | null {
  return typeof node?.value === 'string' ? node.value : null;
}

export function isTagged(node: Asn1Node | undefined, tagClass: number, tag: number): node is Asn1Node {
  if (node === undefined) return false;
  // Forge names these numbers with enums that do not exist when the program runs.
  const { tagClass: itsClass, type }: { tagClass: number; type: number } = node;
  return itsClass === tagClass && type === tag;
}

/** The dotted form of an OBJECT IDENTIFIER; null when the value is none. */
export function oidOf(node: Asn1Node | undefined): string | null {
  const octets = isTagged(node, UNIVERSAL, TYPE.oid) ? octetsOf(node) : null;
  return octets === null || octets === '' ? null : forge.asn1.derToOid(octets);
}

/** UTF-8 octets as text; null when they are not UTF-8. */
export function utf8Of(octets: string): string | null {
  if (/^[\x20-\x7e]*$/.test(octets)) return octets;
  try {
    return utf8.decode(Buffer.from(octets, 'latin1'));
  } catch {
    return null;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
