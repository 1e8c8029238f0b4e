/**
 * How signed, unsigned, bogus and missing answers decide whether a server is connected to, and how it is judged
 * (RFC 7673 §3).
 */
import {
  type DaneRow,
  anything,
  HOST,
  itsOwn,
  leafAndRoot,
  NEXT,
  ofAnother,
  other,
  playDane,
  served,
  strange,
  trusted,
  unknown,
  wrongAndOld,
} from '../support/dane-table.ts';
import { tlsaData } from '../support/signed-names.ts';

const rows: readonly DaneRow[] = [
  // Bogus, and no answer.
  {
    row: 'S4: a bogus SRV aborts, be policy permissive: nobody is dialled (RFC 7673 §3.1)',
    zone: 'late',
    records: (at) => [at.srv(HOST, { port: at.trap })],
    policy: anything,
    ends: { fault: 'bogus', text: /signature expired/ },
    asked: null,
    tlsaOf: [],
  },
  {
    row: 'S4: a bogus _xmpps-server aborts too: it may have come first (RFC 7673 §3.1)',
    records: (at) => [
      at.srv(HOST, { port: at.trap }),
      `_xmpps-server._tcp.${at.domain}. CNAME _xmpps-server._tcp.late.example.`,
    ],
    policy: anything,
    ends: { fault: 'bogus', text: /signature expired/ },
    asked: null,
  },
  {
    row: 'S4: SRV that could not be asked aborts: silence is not absence (RFC 7673 §3.1)',
    zone: 'lame',
    records: () => [],
    policy: anything,
    ends: { fault: 'lookup-failed' },
    asked: null,
  },
  ...(
    [
      ['bogus', 'xmpp.late.example', /signature expired/],
      ['lookup-failed', 'xmpp.lame.example', /xmpp.lame.example/],
    ] as const
  ).flatMap(([condition, host, text]): DaneRow[] => [
    {
      row: `S4: a target whose address is ${condition} is not dialled; the next one is (RFC 7673 §3.2)`,
      shows: unknown,
      records: (at) => [at.srv(host, { port: at.trap }), at.srv(HOST, { priority: 10 }), at.tlsa(HOST, 3, 1, 1)],
      ends: { by: 'dane' },
      asked: 'dane proved',
      tlsaOf: [HOST],
    },
    {
      row: `S4: where no target has an address that may be dialled, nothing is: ${condition} (RFC 7673 §3.2)`,
      records: (at) => [at.srv(host, { port: at.trap })],
      policy: anything,
      ends: { fault: condition, text },
      asked: null,
      tlsaOf: [],
    },
  ]),
  ...(
    [
      ['bogus', 'tlsa.late.example', /TLSA .*signature expired/],
      ['lookup-failed', 'tlsa.lame.example', /TLSA/],
    ] as const
  ).flatMap(([condition, alias, text]): DaneRow[] => [
    {
      row: `S4: a target whose TLSA is ${condition} is not dialled; the next one is (RFC 7673 §3.3)`,
      shows: unknown,
      records: (at) => [
        at.srv(`first${at.port}.signed.example`, { port: at.trap }),
        `first${at.port}.signed.example. A 127.0.0.1`,
        `${at.owner(`first${at.port}.signed.example`, at.trap)} CNAME ${alias}.`,
        at.srv(NEXT, { priority: 10 }),
        at.tlsa(NEXT, 3, 1, 1),
      ],
      ends: { by: 'dane' },
      asked: 'dane proved',
    },
    {
      row: `S4: where the TLSA of every target is ${condition}, nothing is dialled (RFC 7673 §3.4)`,
      shows: itsOwn,
      records: (at) => [at.srv(NEXT), `${at.owner(NEXT)} CNAME ${alias}.`],
      policy: anything,
      ends: { fault: condition, text },
      asked: null,
    },
  ]),
  {
    row: 'S4: a bogus alias on the way to a signed host is a bogus address (RFC 7673 §3.2)',
    records: (at) => [at.srv(`via${at.port}.signed.example`), `via${at.port}.signed.example. CNAME back.late.example.`],
    policy: anything,
    ends: { fault: 'bogus' },
    asked: null,
  },

  // Not signed.
  {
    row: 'A5: under an unsigned SRV DANE does not apply: TLSA records are not asked for, and PKIX decides (RFC 7673 §3.1)',
    zone: 'open',
    shows: itsOwn,
    records: ofAnother([3, 1, 1]),
    ends: { by: 'pkix' },
    asked: 'dane insecure-delegation, pkix proved',
    tlsaOf: [],
  },
  {
    row: 'A7: the target of an unsigned SRV is no name that the certificate may show (RFC 6125 §2.1)',
    zone: 'open',
    shows: () => trusted.issue({ dnsNames: [HOST] }),
    records: served(HOST, [3, 1, 1]),
    ends: { fault: 'name-mismatch' },
    asked: 'dane insecure-delegation, pkix name-mismatch',
    tlsaOf: [],
  },
  {
    row: 'A7: a signed SRV to an unsigned host: its name counts for PKIX, and no TLSA record is asked for (RFC 7673 §3.2, §4.1)',
    shows: () => trusted.issue({ dnsNames: ['xmpp.open.example'] }),
    records: (at) => [at.srv('xmpp.open.example'), at.tlsa('xmpp.open.example', 3, 1, 1, other)],
    ends: { by: 'pkix' },
    asked: 'dane insecure-address, pkix proved',
    tlsaOf: [],
  },
  ...(['signed', 'hashed'] as const).map((zone): DaneRow => ({
    row: `A7: where a signed denial says that there is no TLSA record, PKIX decides, with the target as a name (${zone === 'signed' ? 'NSEC' : 'NSEC3'}, RFC 7673 §4.1)`,
    zone,
    shows: () => trusted.issue({ dnsNames: [`xmpp.${zone}.example`] }),
    records: (at) => [at.srv(`xmpp.${zone}.example`)],
    ends: { by: 'pkix', evidence: { derivedDomain: `xmpp.${zone}.example` } },
    asked: 'dane no-tlsa, pkix proved',
    tlsaOf: [`xmpp.${zone}.example`],
  })),
  {
    row: 'A5: TLSA records that are not signed are as none (RFC 7673 §3.4)',
    shows: itsOwn,
    records: (at) => [
      at.srv(HOST),
      `${at.owner(HOST)} CNAME tlsa${at.port}.open.example.`,
      `tlsa${at.port}.open.example. TLSA ${tlsaData(other, 3, 1, 1)}`,
    ],
    ends: { by: 'pkix' },
    asked: 'dane no-tlsa, pkix proved',
  },
  {
    row: 'A5: a TLSA record at the domain instead of its target says nothing (RFC 7673 App. B)',
    shows: itsOwn,
    records: (at) => [at.srv(HOST), at.tlsa(at.domain, 3, 1, 1, other)],
    ends: { by: 'pkix' },
    asked: 'dane no-tlsa, pkix proved',
    tlsaOf: [HOST],
  },
  {
    row: 'A5: without SRV DANE does not apply: the domain itself is dialled, and PKIX decides (RFC 7712 §5.1)',
    shows: itsOwn,
    records: (at) => [`${at.domain}. A 127.0.0.1`, `${at.owner(at.domain, 5269)} TLSA ${tlsaData(other, 3, 1, 1)}`],
    ends: { by: 'pkix' },
    asked: 'dane insecure-delegation, pkix proved',
    tlsaOf: [],
    on5269: true,
  },
  {
    row: 'R3: a signed "." is believed: there is no such service (RFC 6120 §3.2.1)',
    records: (at) => [`_xmpp-server._tcp.${at.domain}. SRV 0 0 0 .`, `${at.domain}. A 127.0.0.1`],
    policy: anything,
    ends: { fault: 'service-absent' },
    asked: null,
  },

  // Aliases.
  {
    row: 'A5: the records where the alias of a target leads come first (RFC 7671 §7)',
    shows: unknown,
    records: (at) => [
      at.srv('alias.signed.example'),
      at.tlsa(HOST, 3, 1, 1),
      at.tlsa('alias.signed.example', 3, 1, 1, other),
    ],
    ends: { by: 'dane' },
    asked: 'dane proved',
    tlsaOf: [HOST],
  },
  {
    row: 'A5: those at the alias itself count where it leads to none (RFC 7671 §7)',
    shows: unknown,
    records: (at) => [at.srv('alias.signed.example'), at.tlsa('alias.signed.example', 3, 1, 1)],
    ends: { by: 'dane' },
    asked: 'dane proved',
    tlsaOf: [HOST, 'alias.signed.example'],
  },
  {
    row: 'S4: those at the alias do not stand in for bogus ones where it leads (RFC 7671 §7, RFC 7673 §3.4)',
    shows: unknown,
    records: (at) => [
      at.srv('alias.signed.example'),
      `${at.owner(HOST)} CNAME tlsa.late.example.`,
      at.tlsa('alias.signed.example', 3, 1, 1),
    ],
    policy: anything,
    ends: { fault: 'bogus' },
    asked: null,
  },
  ...[HOST, 'alias.signed.example'].map((name): DaneRow => ({
    row: `A5, A7: alias and where it leads are both names that the certificate may show: ${name} (RFC 7673 §6, RFC 7671 §7)`,
    shows: () => strange.issue({ dnsNames: [name] }),
    sends: leafAndRoot,
    records: (at) => [at.srv('alias.signed.example'), at.tlsa(HOST, 2, 0, 1, strange.der)],
    ends: { by: 'dane' },
    asked: 'dane proved',
  })),
  {
    row: 'A7: an alias into an unsigned zone makes the address insecure: no TLSA; its own name still counts (RFC 7673 §3.2)',
    shows: () => trusted.issue({ dnsNames: ['toopen.signed.example'] }),
    records: (at) => [at.srv('toopen.signed.example'), at.tlsa('toopen.signed.example', 3, 1, 1, other)],
    ends: { by: 'pkix' },
    asked: 'dane insecure-address, pkix proved',
    tlsaOf: [],
  },
  {
    row: 'A7: where such an alias leads is no name that the certificate may show (RFC 7673 §6)',
    shows: () => trusted.issue({ dnsNames: ['xmpp.open.example'] }),
    records: (at) => [at.srv('toopen.signed.example')],
    ends: { fault: 'name-mismatch' },
    asked: 'dane insecure-address, pkix name-mismatch',
  },
  {
    row: 'A5: an alias at the SRV name is followed, where it is signed (RFC 7673 §3.1)',
    shows: wrongAndOld,
    records: (at) => [
      `_xmpp-server._tcp.${at.domain}. CNAME _moved.${at.domain}.`,
      `_moved.${at.domain}. SRV 0 0 ${at.port} ${HOST}.`,
      at.tlsa(HOST, 3, 1, 1),
    ],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
  {
    row: 'A5: an alias at the SRV name that leads out of the signed zones makes the answer insecure (RFC 7673 §3.1)',
    shows: itsOwn,
    records: (at) => [
      `_xmpp-server._tcp.${at.domain}. CNAME _moved${at.port}.open.example.`,
      `_moved${at.port}.open.example. SRV 0 0 ${at.port} ${HOST}.`,
      at.tlsa(HOST, 3, 1, 1, other),
    ],
    ends: { by: 'pkix' },
    asked: 'dane insecure-delegation, pkix proved',
    tlsaOf: [],
  },
  {
    row: 'A5: records from wildcards are signed too (RFC 4035 §5.3.4)',
    shows: wrongAndOld,
    records: (at) => [
      `*.${at.domain}. SRV 0 0 ${at.port} wild${at.port}.signed.example.`,
      `wild${at.port}.signed.example. A 127.0.0.1`,
      `*._tcp.wild${at.port}.signed.example. TLSA ${tlsaData(at.leaf, 3, 1, 1)}`,
    ],
    ends: { by: 'dane' },
    asked: 'dane proved',
  },
];

playDane(rows);
