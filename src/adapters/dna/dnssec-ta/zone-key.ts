/** Keys of zones: DNSKEY records (RFC 4034 §2), their comparison with other keys, and key files for zone signers. */
import { createHash, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import { publicHalf } from '../signatures.ts';

/** DNSSEC algorithms by kind of key (RFC 5702, RFC 6605, RFC 8080); those with SHA-1 are left out (RFC 8624 §3.1). */
const ALGORITHMS = {
  rsa: [8, 10],
  prime256v1: [13],
  secp384r1: [14],
  ed25519: [15],
} as const satisfies Record<string, readonly number[]>;
/** As written in the key files of BIND and ldns. */
const MNEMONICS: Readonly<Record<number, string>> = {
  8: 'RSASHA256',
  10: 'RSASHA512',
  13: 'ECDSAP256SHA256',
  14: 'ECDSAP384SHA384',
  15: 'ED25519',
};

const FLAG = { zone: 0x0100, revoke: 0x0080 } as const;
const PROTOCOL = 3;
/** Offset of the key, after flags, protocol and algorithm. */
const KEY_AT = 4;
const DIGEST_SHA256 = 2;
/** Flags: zone key and secure entry point. */
const KEY_SIGNING_KEY = 257;

/** A public key in the form of DNSSEC. */
export interface ZoneKey {
  /** The algorithms that it may be used with. */
  readonly algorithms: readonly number[];
  readonly octets: Buffer;
}

/** @throws FaultError `dna`: `algorithm-unsupported`. */
export function zoneKeyOf(key: KeyObject): ZoneKey {
  const kind = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : key.asymmetricKeyType;
  const algorithms: readonly number[] | undefined = Object.entries(ALGORITHMS).find(([name]) => name === kind)?.[1];
  if (algorithms === undefined)
    throw dnaFailure('algorithm-unsupported', `no zone is signed with a key of type ${kind ?? '?'}`);
  return { algorithms, octets: publicOctets(publicHalf(key).export({ format: 'jwk' })) };
}

function publicOctets({ kty, n = '', e = '', x = '', y = '' }: JsonWebKey): Buffer {
  const octets = (base64url: string): Buffer => Buffer.from(base64url, 'base64url');
  if (kty !== 'RSA') return Buffer.concat([octets(x), octets(y)]);
  // RFC 3110 §2: the length of the exponent in one octet, or in two after a zero.
  const { length } = octets(e);
  const prefix = length < 0x100 ? Buffer.of(length) : Buffer.of(0, length >> 8, length & 0xff);
  return Buffer.concat([prefix, octets(e), octets(n)]);
}

/** Whether a DNSKEY record holds this key and may sign the zone (RFC 4034 §2.1, RFC 5011 §2.1). */
export function isZoneKey(rdata: Buffer, { algorithms, octets }: ZoneKey): boolean {
  if (rdata.length <= KEY_AT) return false;
  const flags = rdata.readUInt16BE(0);
  return (
    (flags & FLAG.zone) !== 0 &&
    (flags & FLAG.revoke) === 0 &&
    rdata[2] === PROTOCOL &&
    algorithms.includes(rdata[3] ?? 0) &&
    rdata.subarray(KEY_AT).equals(octets)
  );
}

/** RFC 4034 App. B. */
export function keyTag(rdata: Buffer): number {
  let sum = 0;
  for (const [i, octet] of rdata.entries()) sum += i % 2 === 0 ? octet << 8 : octet;
  return (sum + (sum >>> 16)) & 0xffff;
}

/** The DS record of a key, SHA-256 (RFC 4509), in zone file format; `zone` in A-labels without a final dot. */
export function dsRecord(zone: string, rdata: Buffer): string {
  const digest = createHash('sha256').update(wireName(zone)).update(rdata).digest('hex');
  return `${zone}. IN DS ${keyTag(rdata)} ${rdata[3] ?? 0} ${DIGEST_SHA256} ${digest}`;
}

function wireName(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .split('.')
    .map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
}

/** The files that a zone signer reads, in the formats of BIND and ldns. */
export interface ZoneKeyFiles {
  /** Base name of both files: `Kexample.com.+013+12345`. */
  readonly name: string;
  /** `NAME.key`: the DNSKEY record. */
  readonly publicFile: string;
  /** `NAME.private`. */
  readonly privateFile: string;
  /** The DS record; dnssec-ta does not need it to be published. */
  readonly ds: string;
}

/**
 * The key of a certificate as the key that signs the DNSKEY records of `zone`, on which dnssec-ta relies.
 * @param algorithm for RSA, 8 or 10. @defaultValue the first one for such keys
 * @throws FaultError `dna`: `algorithm-unsupported`.
 */
export function zoneKeyFiles(zone: string, keyPem: string, algorithm?: number): ZoneKeyFiles {
  const key = createPrivateKey(keyPem);
  const { algorithms, octets } = zoneKeyOf(key);
  const chosen = algorithms.find((candidate) => algorithm === undefined || candidate === algorithm);
  if (chosen === undefined) throw dnaFailure('algorithm-unsupported', `algorithm ${algorithm ?? 0} with this key`);
  const rdata = Buffer.concat([Buffer.of(KEY_SIGNING_KEY >> 8, KEY_SIGNING_KEY & 0xff, PROTOCOL, chosen), octets]);
  const pad = (number: number, digits: number): string => String(number).padStart(digits, '0');
  return {
    name: `K${zone}.+${pad(chosen, 3)}+${pad(keyTag(rdata), 5)}`,
    publicFile: `${zone}. IN DNSKEY ${KEY_SIGNING_KEY} ${PROTOCOL} ${chosen} ${octets.toString('base64')}\n`,
    privateFile: privateFile(key, chosen),
    ds: dsRecord(zone, rdata),
  };
}

function privateFile(key: KeyObject, algorithm: number): string {
  const { kty, n, e, d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  const rsa = { Modulus: n, PublicExponent: e, PrivateExponent: d, Prime1: p, Prime2: q };
  const crt = { Exponent1: dp, Exponent2: dq, Coefficient: qi };
  const fields = Object.entries(kty === 'RSA' ? { ...rsa, ...crt } : { PrivateKey: d });
  const base64 = (value = ''): string => Buffer.from(value, 'base64url').toString('base64');
  return [
    'Private-key-format: v1.2',
    `Algorithm: ${algorithm} (${MNEMONICS[algorithm] ?? ''})`,
    ...fields.map(([name, value]) => `${name}: ${base64(value)}`),
    '',
  ].join('\n');
}
