/** DANE for servers that we connect to: what each kind of TLSA record proves and refutes (RFC 7673 §4, RFC 7671 §5). */
import {
  type DaneRow,
  anything,
  HOST,
  itsOwn,
  leafAndRoot,
  middle,
  NEXT,
  ofAnother,
  other,
  playDane,
  served,
  strange,
  trusted,
  unknown,
  wrongAndOld,
  weekAgo,
} from '../support/dane-table.ts';

const rows: readonly DaneRow[] = [
  // Usage 3: this certificate, whatever it contains.
  ...[0, 1].flatMap((selector) =>
    [0, 1, 2].map((matching): DaneRow => ({
      row: `A5: DANE-EE 3 ${selector} ${matching} proves a stranger's certificate with other names, long expired (RFC 7671 §5.1)`,
      shows: wrongAndOld,
      records: served(HOST, [3, selector, matching]),
      ends: { by: 'dane' },
      asked: 'dane proved',
      tlsaOf: [HOST],
    })),
  ),
  {
    row: 'A5: records of a zone with NSEC3 count as well (RFC 5155)',
    zone: 'hashed',
    shows: wrongAndOld,
    records: served('xmpp.hashed.example', [3, 1, 1]),
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: one record that matches is enough, beside others that do not (RFC 6698 §2.1)',
    shows: unknown,
    records: (at) => [
      at.srv(HOST),
      at.tlsa(HOST, 3, 1, 1),
      at.tlsa(HOST, 3, 1, 1, other),
      at.tlsa(HOST, 2, 0, 1, other),
    ],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: the target of _xmpps-server has TLSA records too: TLS from the first byte (RFC 7673 §3.3, XEP-0368)',
    shows: wrongAndOld,
    records: (at) => [at.srv(HOST, { service: 'xmpps' }), at.tlsa(HOST, 3, 1, 1)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },

  // Usage 2: an authority that the record names.
  ...(
    [
      [2, 0, 1],
      [2, 1, 1],
      [2, 0, 0],
      [2, 1, 2],
    ] as const
  ).map(([usage, selector, matching]): DaneRow => ({
    row: `A5: DANE-TA ${usage} ${selector} ${matching} proves what the authority that it names has issued (RFC 7671 §5.2)`,
    shows: unknown,
    sends: leafAndRoot,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, usage, selector, matching, strange.der)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  })),
  {
    row: 'A5: DANE-TA may name an authority in the middle of the chain (RFC 7671 §5.2)',
    shows: (domain) => middle.issue({ dnsNames: [domain] }),
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 2, 0, 1, middle.der)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: 2 0 0 needs no authority from the server: the record is the authority (RFC 7671 §5.2.2)',
    shows: unknown,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 2, 0, 0, strange.der)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: 2 1 1 names an authority that has to be sent, and was not (RFC 7671 §5.2.2)',
    shows: unknown,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 2, 1, 1, strange.der)],
    ends: { fault: 'no-tlsa-match', text: /has to send it/ },
    asked: 'dane no-tlsa-match!',
  },
  {
    row: 'A5: what DANE-TA proves has to name the domain (RFC 7673 §4.1)',
    shows: () => strange.issue({ dnsNames: ['other.example'] }),
    sends: leafAndRoot,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 2, 0, 1, strange.der)],
    policy: anything,
    ends: { fault: 'name-mismatch' },
    asked: 'dane name-mismatch!',
  },
  {
    row: 'A5, A7: or the target where it is served (RFC 7673 §4.1)',
    shows: () => strange.issue({ dnsNames: [HOST] }),
    sends: leafAndRoot,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 2, 0, 1, strange.der)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: what DANE-TA proves has to be in its time (RFC 7671 §5.2)',
    shows: (domain) => strange.issue({ dnsNames: [domain], notAfter: weekAgo }),
    sends: leafAndRoot,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 2, 0, 1, strange.der)],
    policy: anything,
    ends: { fault: 'certificate-expired' },
    asked: 'dane certificate-expired!',
  },

  // Usages 1 and 0: a trust anchor of ours and also the record.
  {
    row: 'A5: PKIX-EE 1 1 1 proves a certificate that trusted roots prove too (RFC 7671 §5.3)',
    shows: itsOwn,
    records: served(HOST, [1, 1, 1]),
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: PKIX-EE wants a trusted root: the record alone is not enough (RFC 7671 §5.3)',
    shows: unknown,
    records: served(HOST, [1, 1, 1]),
    ends: { fault: 'unknown-issuer' },
    asked: 'dane unknown-issuer!',
  },
  {
    row: 'A5: PKIX-EE wants a name of the domain or of its target (RFC 7673 §4.1)',
    shows: () => trusted.issue({ dnsNames: ['other.example'] }),
    records: served(HOST, [1, 0, 1]),
    ends: { fault: 'name-mismatch' },
    asked: 'dane name-mismatch!',
  },
  {
    row: 'A5: PKIX-EE of another certificate: a trusted root does not help (RFC 7671 §5.3)',
    shows: itsOwn,
    records: ofAnother([1, 1, 1]),
    ends: { fault: 'no-tlsa-match' },
    asked: 'dane no-tlsa-match!',
  },
  {
    row: 'A5: PKIX-TA 0 0 1 names the trusted root above a certificate, though it was not sent (RFC 7671 §5.4)',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 0, 0, 1, trusted.der)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: PKIX-TA of another authority: the trusted root above the certificate does not count (RFC 7671 §5.4)',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 0, 0, 1, strange.der)],
    ends: { fault: 'no-tlsa-match' },
    asked: 'dane no-tlsa-match!',
  },
  {
    row: 'A5: PKIX-TA makes nobody a trusted root (RFC 7671 §5.4)',
    shows: unknown,
    sends: leafAndRoot,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 0, 0, 1, strange.der)],
    ends: { fault: 'untrusted-root' },
    asked: 'dane untrusted-root!',
  },

  // Records that cannot be used.
  ...[
    ['usage', `4 0 1 ${'ab'.repeat(32)}`],
    ['selector', `3 9 1 ${'ab'.repeat(32)}`],
    ['matching type', `3 1 7 ${'ab'.repeat(32)}`],
    ['length of digest', '3 1 1 abcd'],
    ['certificate', '2 0 0 3003020100'],
  ].map(([what, data]): DaneRow => ({
    row: `A5: an unknown or wrong ${what} cannot be used, and ordinary PKIX decides (RFC 7673 §4.1)`,
    shows: itsOwn,
    records: (at) => [at.srv(HOST), `${at.owner(HOST)} TLSA ${data}`],
    ends: { by: 'pkix' },
    asked: 'dane no-usable-record, pkix proved',
  })),
  {
    row: 'A5: where no record can be used, PKIX also decides against (RFC 7673 §4.1)',
    shows: unknown,
    records: (at) => [at.srv(HOST), `${at.owner(HOST)} TLSA 3 9 1 ${'ab'.repeat(32)}`],
    ends: { fault: 'unknown-issuer' },
    asked: 'dane no-usable-record, pkix unknown-issuer',
  },
  {
    row: 'A5: one record that can be used decides for all of the set (RFC 6698 §4.1)',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), `${at.owner(HOST)} TLSA 3 9 1 ${'ab'.repeat(32)}`, at.tlsa(HOST, 3, 1, 1, other)],
    ends: { fault: 'no-tlsa-match' },
    asked: 'dane no-tlsa-match!',
  },

  // Digest agility.
  {
    row: 'A5: of two digests the stronger one decides: SHA-512 of another beside the right SHA-256 (RFC 7671 §9)',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 1), at.tlsa(HOST, 3, 1, 2, other)],
    ends: { fault: 'no-tlsa-match' },
    asked: 'dane no-tlsa-match!',
  },
  {
    row: 'A5: the right SHA-512 beside the SHA-256 of another (RFC 7671 §9)',
    shows: unknown,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 1, 2), at.tlsa(HOST, 3, 1, 1, other)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: digests are weighed per usage and selector: the right 3 0 1 beside a 3 1 2 of another (RFC 7671 §9)',
    shows: unknown,
    records: (at) => [at.srv(HOST), at.tlsa(HOST, 3, 0, 1), at.tlsa(HOST, 3, 1, 2, other)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },

  // Refused.
  {
    row: 'S8: a mismatch is final: neither PKIX, which would prove it, nor POSH nor dialback is asked, be policy permissive (RFC 6698 §4.1)',
    shows: itsOwn,
    records: ofAnother([3, 1, 1]),
    policy: anything,
    ends: { fault: 'no-tlsa-match' },
    asked: 'dane no-tlsa-match!',
  },
  {
    row: 'S8: DANE is asked first wherever policy names it',
    shows: itsOwn,
    records: ofAnother([3, 1, 1]),
    policy: { prooftypes: ['pkix', 'dane'] },
    ends: { fault: 'no-tlsa-match' },
    asked: 'dane no-tlsa-match!',
  },
  {
    row: 'A5: a mismatch is final for its target alone: the next one is dialled, and proved',
    shows: itsOwn,
    records: (at) => [
      at.srv(HOST),
      at.tlsa(HOST, 3, 1, 1, other),
      at.srv(NEXT, { priority: 10 }),
      at.tlsa(NEXT, 3, 1, 1),
    ],
    ends: { by: 'dane' },
    asked: 'dane proved',
    tlsaOf: [HOST, NEXT],
    visits: 2,
  },
  {
    row: 'A5: without DANE among its prooftypes a domain is proved by others, and no TLSA record is asked for (P2)',
    shows: itsOwn,
    records: ofAnother([3, 1, 1]),
    policy: { prooftypes: ['pkix'] },
    ends: { by: 'pkix' },
    asked: 'pkix proved',
    tlsaOf: [],
  },
];

playDane(rows);
