/**
 * A small DNS with all the states that DNSSEC knows: a signed zone `example`, and below it good, hashed, unsigned,
 * expired, forged and cut-off ones; with the answer that a validator must give for each name (RFC 4035 §4.3). Served by
 * a real nsd.
 */
import assert from 'node:assert/strict';
import { type Nsd, nsdMissing, startNsd } from './nsd.ts';
import { signingMissing, signZone, type SignedZone, type SigningOptions } from './signed-zone.ts';
import type { Resolver } from '../../src/ports.ts';
import type { DnsStatus } from '../../src/protocol/dns.ts';

/** Why it is not available here, or null when it is. */
export const worldMissing: string | null = nsdMissing ?? signingMissing;

export const DIGEST = { spki: 'ab'.repeat(32), ca: 'cd'.repeat(32) } as const;
/** TLSA records of `_5269._tcp.many.good.example`: too many for UDP. */
export const MANY_TLSA = 40;

const zone = (name: string, more = ''): string => `$ORIGIN ${name}.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
_xmpp-server._tcp SRV 10 5 5269 XMPP
_xmpp-server._tcp SRV 20 0 5269 backup.elsewhere.example.
xmpp 300 A 192.0.2.1
xmpp 90 AAAA 2001:db8:0:0:0:0:0:1
v4only A 192.0.2.3
_5269._tcp.xmpp TLSA 3 1 1 ${DIGEST.spki.toUpperCase()}
_5269._tcp.xmpp TLSA 2 0 1 ${DIGEST.ca}
_5269._tcp.v4only TLSA 255 254 253 01
text TXT "no address here"
alias CNAME xmpp
alias4 CNAME v4only
_5269._tcp.alias CNAME _5269._tcp.xmpp
*.wild A 192.0.2.4
*.wild SRV 0 0 5269 xmpp
*.wild TLSA 3 1 1 ${DIGEST.spki}
*.wildalias CNAME xmpp
${more}`;

/** Only in the first of the zones: aliases to all the others, and a large set. */
const more = `
long CNAME longer
longer CNAME longest
longest 30 CNAME xmpp
loop CNAME pool
pool CNAME loop
dangling CNAME nowhere
_xmpp-server._tcp.moved CNAME _xmpp-server._tcp
toisland CNAME xmpp.island.example.
toorphan CNAME xmpp.orphan.example.
tohashed CNAME xmpp.hashed.example.
tolate CNAME xmpp.late.example.
tomixed CNAME xmpp.mixed.example.
tonothing CNAME nowhere.island.example.
_5269._tcp.toisland CNAME _5269._tcp.xmpp.island.example.
_5269._tcp.tolate CNAME _5269._tcp.xmpp.late.example.
tree DNAME wood.good.example.
xmpp.wood A 192.0.2.5
${Array.from({ length: MANY_TLSA }, (_, i) => `_5269._tcp.many TLSA 3 1 2 ${i.toString(16).padStart(2, '0').repeat(64)}`).join('\n')}
`;

/**
 * How a zone is signed. `ds`: the DS record in its parent is its own, absent, or that of a key which the zone does not
 * have.
 */
interface Plan {
  readonly signing: SigningOptions | null;
  readonly ds: 'own' | 'none' | 'wrong';
  readonly more?: string;
  /** Changes the zone after it was signed. */
  readonly spoil?: (text: string) => string;
}

const plans: Readonly<Record<string, Plan>> = {
  'good.example': { signing: {}, ds: 'own', more },
  'hashed.example': { signing: { nsec3: true }, ds: 'own' },
  'island.example': { signing: null, ds: 'none', more: 'back CNAME xmpp.good.example.\n' },
  // Signed, but without a DS record in the parent: the same as not signed.
  'orphan.example': { signing: {}, ds: 'none' },
  // Not signed, although the parent says that it is.
  'bare.example': { signing: null, ds: 'wrong' },
  'stranger.example': { signing: {}, ds: 'wrong' },
  'late.example': { signing: { expired: true }, ds: 'own' },
  'early.example': { signing: { notYet: true }, ds: 'own' },
  'mixed.example': { signing: {}, ds: 'own', spoil: forge },
  // Names that do not exist are not proved to be absent.
  'denied.example': { signing: {}, ds: 'own', spoil: (text) => text.replace(/^.*\s(NSEC|RRSIG\s+NSEC)\s.*\n/gm, '') },
};

const unspoiled = (text: string): string => text;

/**
 * Changes the data under the signatures of the first address, the first service and the certificate, and removes the
 * signature of one set.
 */
function forge(text: string): string {
  return [
    [/^(xmpp\S*\s+\d+\s+IN\s+A\s+)192\.0\.2\.1$/m, '$1192.0.2.66'],
    [/^(_xmpp-server\S*\s+\d+\s+IN\s+SRV\s+)10 5/m, '$110 6'],
    [/^(_5269\S*\.xmpp\S*\s+\d+\s+IN\s+TLSA\s+)3 1 1 ab/m, '$13 1 1 ac'],
    [/^v4only\S*\s+\d+\s+IN\s+RRSIG\s+A .*\n/m, ''],
  ].reduce((forged, [pattern, replacement]) => {
    const next = forged.replace(pattern as RegExp, replacement as string);
    assert.notEqual(next, forged, String(pattern));
    return next;
  }, text);
}

export interface DnssecWorld {
  /** The server for `example`. */
  readonly address: string;
  readonly stubs: Readonly<Record<string, string>>;
  /** The DS record of `example`. */
  readonly anchor: string;
  stop(): Promise<void>;
}

/** Signs the zones and serves them. */
export async function startDnssecWorld(): Promise<DnssecWorld> {
  const zones = new Map<string, string>();
  const ds: string[] = [];
  for (const [name, { signing, ds: which, more: extra, spoil = unspoiled }] of Object.entries(plans)) {
    const plain = zone(name, extra);
    const sign = (): SignedZone => signZone(name, plain, signing ?? {});
    const signed = signing === null ? null : sign();
    zones.set(name, spoil(signed?.text ?? plain));
    if (which === 'own' && signed !== null) ds.push(signed.ds);
    if (which === 'wrong') ds.push(sign().ds);
  }
  const delegations = [...zones.keys()].map((name) => `${name}. NS ns`);
  const parent = signZone(
    'example',
    `$ORIGIN example.
$TTL 120
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
${[...delegations, ...ds].join('\n')}
`,
  );
  const nsd: Nsd = await startNsd({ ...Object.fromEntries(zones), example: parent.text });
  // Every zone is listed: a validator in doubt looks up the name servers of a zone, and would ask those at port 53.
  const stubs = Object.fromEntries(['example', ...zones.keys()].map((name) => [name, nsd.address]));
  return { address: nsd.address, stubs, anchor: parent.ds, stop: () => nsd.stop() };
}

export interface Expectation {
  readonly ask: 'srv' | 'addresses' | 'tlsa';
  readonly name: string;
  readonly status: DnsStatus;
  readonly records?: number;
  readonly canonicalName?: string;
  /** Maximum TTL, in seconds. */
  readonly ttl?: number;
  /** libunbound's wording of it. */
  readonly reason?: RegExp;
}

const SRV = '_xmpp-server._tcp';
const TLSA = '_5269._tcp';
const SIGNED = ['good.example', 'hashed.example'];
/** Queries for a zone in which all answers have the same status. */
const EVERYTHING = [
  ['srv', SRV],
  ['addresses', 'xmpp'],
  ['tlsa', `${TLSA}.xmpp`],
] as const;
const NOTHING = [
  ['srv', '_xmpps-server._tcp'],
  ['addresses', 'nowhere'],
  ['addresses', 'text'],
  ['tlsa', '_1._tcp.xmpp'],
] as const;

const nothingIn = (domain: string, expected: Omit<Expectation, 'ask' | 'name'>): Expectation[] =>
  NOTHING.map(([ask, name]) => ({ ask, name: `${name}.${domain}`, ...expected }));
const everythingIn = (domain: string, expected: Omit<Expectation, 'ask' | 'name'>): Expectation[] =>
  EVERYTHING.map(([ask, name]) => ({ ask, name: `${name}.${domain}`, ...expected }));
const secure = { status: 'secure' } as const;
const insecure = { status: 'insecure', records: 2 } as const;

/** The answers that a validator must give, by behaviour and name. */
export const behaviours: Readonly<Record<string, readonly Expectation[]>> = {
  'records under a chain of signatures are secure, with their TTL, by NSEC and by NSEC3': SIGNED.flatMap((domain) => [
    { ask: 'srv', name: `${SRV}.${domain}`, ...secure, records: 2, ttl: 120 },
    { ask: 'addresses', name: `xmpp.${domain}`, ...secure, records: 2, ttl: 90 },
    { ask: 'addresses', name: `v4only.${domain}`, ...secure, records: 1 },
    { ask: 'tlsa', name: `${TLSA}.xmpp.${domain}`, ...secure, records: 2, ttl: 120 },
  ]),
  'a set too long for UDP is there as a whole (RFC 7766 §5)': [
    { ask: 'tlsa', name: `${TLSA}.many.good.example`, ...secure, records: MANY_TLSA },
  ],
  'a TLSA record that nobody can use stays in the set (RFC 6698 §4.1)': [
    { ask: 'tlsa', name: `${TLSA}.v4only.good.example`, ...secure, records: 1 },
  ],
  'records that a wildcard made are secure (RFC 4035 §5.3.4)': SIGNED.flatMap((domain) => [
    { ask: 'addresses', name: `any.wild.${domain}`, ...secure, records: 1 },
    { ask: 'srv', name: `${SRV}.any.wild.${domain}`, ...secure, records: 1 },
    { ask: 'tlsa', name: `${TLSA}.any.wild.${domain}`, ...secure, records: 1 },
    { ask: 'addresses', name: `any.wildalias.${domain}`, ...secure, records: 2, canonicalName: `xmpp.${domain}` },
  ]),
  'that there is none is proved, by NSEC and by NSEC3, with its TTL (RFC 2308 §5)': SIGNED.flatMap((domain) =>
    nothingIn(domain, { status: 'nodata-secure', ttl: 60 }),
  ),
  'an alias within signed zones is secure, and where it leads is told (RFC 7671 §7)': [
    ...SIGNED.flatMap((domain): Expectation[] => [
      { ask: 'addresses', name: `alias.${domain}`, ...secure, records: 2, canonicalName: `xmpp.${domain}` },
      { ask: 'addresses', name: `alias4.${domain}`, ...secure, records: 1, canonicalName: `v4only.${domain}` },
      { ask: 'tlsa', name: `${TLSA}.alias.${domain}`, ...secure, records: 2, canonicalName: `${TLSA}.xmpp.${domain}` },
    ]),
    { ask: 'addresses', name: 'long.good.example', ...secure, records: 2, canonicalName: 'xmpp.good.example', ttl: 30 },
    { ask: 'addresses', name: 'tohashed.good.example', ...secure, records: 2, canonicalName: 'xmpp.hashed.example' },
    {
      ask: 'addresses',
      name: 'xmpp.tree.good.example',
      ...secure,
      records: 1,
      canonicalName: 'xmpp.wood.good.example',
    },
    { ask: 'srv', name: `${SRV}.moved.good.example`, ...secure, records: 2, canonicalName: `${SRV}.good.example` },
    { ask: 'addresses', name: 'dangling.good.example', status: 'nodata-secure', ttl: 60 },
  ],
  'an alias is secure only if every link is, and bogus if one is (RFC 7672 §2.1.3)': [
    { ask: 'addresses', name: 'toisland.good.example', ...insecure, canonicalName: 'xmpp.island.example' },
    { ask: 'addresses', name: 'toorphan.good.example', ...insecure, canonicalName: 'xmpp.orphan.example' },
    { ask: 'addresses', name: 'back.island.example', ...insecure, canonicalName: 'xmpp.good.example' },
    { ask: 'tlsa', name: `${TLSA}.toisland.good.example`, ...insecure, canonicalName: `${TLSA}.xmpp.island.example` },
    { ask: 'addresses', name: 'tonothing.good.example', status: 'nodata-insecure' },
    { ask: 'addresses', name: 'tolate.good.example', status: 'bogus', reason: /expired/ },
    { ask: 'tlsa', name: `${TLSA}.tolate.good.example`, status: 'bogus', reason: /expired/ },
    { ask: 'addresses', name: 'tomixed.good.example', status: 'bogus', reason: /signature verification failed/ },
  ],
  'aliases that lead to each other are an error, never "there is none"': [
    { ask: 'addresses', name: 'loop.good.example', status: 'error', reason: /SERVFAIL/ },
  ],
  'below a proved gap in the chain nothing is secure, nor is it bogus (RFC 4035 §4.3)': [
    'island.example', // not signed
    'orphan.example', // signed, without a DS
  ].flatMap((domain) => [...everythingIn(domain, insecure), ...nothingIn(domain, { status: 'nodata-insecure' })]),
  'S4: signatures that have ended make all of a zone bogus': allBogus('late.example', /signature expired/),
  'S4: signatures that have not begun make all of a zone bogus': allBogus('early.example', /before inception date/),
  'S4: a DS of another key makes all of a zone bogus': allBogus('stranger.example', /no keys have a DS/),
  'S4: a DS of a zone that is not signed makes all of it bogus': allBogus('bare.example', /No DNSKEY record/),
  'S4: forged records are bogus, and their neighbours stay what they are': [
    ...everythingIn('mixed.example', { status: 'bogus', reason: /signature verification failed/ }),
    { ask: 'addresses', name: 'v4only.mixed.example', status: 'bogus', reason: /no signatures/ },
    { ask: 'addresses', name: 'any.wild.mixed.example', ...secure, records: 1 },
    { ask: 'tlsa', name: `${TLSA}.v4only.mixed.example`, ...secure, records: 1 },
  ],
  'S4: "there is none" without a proof is bogus in a signed zone (RFC 4035 §5.4)': [
    ...nothingIn('denied.example', { status: 'bogus', reason: /no DNSSEC records|no signatures|NSEC/ }),
    ...everythingIn('denied.example', { ...secure, records: 2 }),
  ],
};

function allBogus(domain: string, reason: RegExp): Expectation[] {
  return [...everythingIn(domain, { status: 'bogus', reason }), ...nothingIn(domain, { status: 'bogus', reason })];
}

/** Makes all queries in `expected` and compares the answers; reasons only where they are libunbound's. */
export async function assertAnswers(
  resolver: Resolver,
  expected: readonly Expectation[],
  { reasons }: { readonly reasons: boolean },
): Promise<void> {
  for (const { ask, name, status, records, canonicalName, ttl = Infinity, reason } of expected) {
    const answer = await resolver[ask](name, new AbortController().signal);
    const told = `${ask} ${name}: ${JSON.stringify(answer)}`;
    assert.equal(answer.status, status, told);
    assert.equal(answer.records.length, records ?? 0, told);
    assert.equal(answer.canonicalName, canonicalName, told);
    const isAnswer = status !== 'bogus' && status !== 'error';
    assert.ok(isAnswer ? answer.ttlSeconds > 0 && answer.ttlSeconds <= ttl : answer.ttlSeconds === 0, told);
    if (reason !== undefined) assert.match(answer.reason ?? '', reasons ? reason : /SERVFAIL/, told);
  }
}
