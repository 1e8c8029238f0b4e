/** Names: what the DNS says, does not say, or says in a way that nobody may believe. */
import { serviceFacts } from '../../../protocol/service.ts';
import { type Cause, type Situation, said } from './cause.ts';

const factsOf = ({ service = 'xmpp-server' }: Situation) => serviceFacts[service];
/** A record that would do. */
const record = (situation: Situation, target = 'xmpp.' + situation.domain): string =>
  `${factsOf(situation).srv}.${situation.domain}. SRV 0 0 ${factsOf(situation).defaultPort} ${target}.`;

/** Hosts that were left out are told of by name, each before its reason. */
const concerns = ({ fault, domain }: Situation): boolean => (fault.text ?? '').startsWith(`${domain}: `);

/** The reason holds names that anybody may have chosen, such as `late.example`: they have dots, and what is looked for has none. */
const says =
  (pattern: RegExp) =>
  ({ fault }: Situation): boolean =>
    pattern.test((fault.text ?? '').replace(/\S*\.\S*/g, ''));

const isTlsa = ({ fault }: Situation): boolean => /\bTLSA _\d/.test(fault.text ?? '');

const onlyHere = 'If only this machine sees it, look at what stands between it and the name servers.';
const resign =
  'Sign the zone again, and see to it that this is done before the signatures end; "ldns-verify-zone" shows it.';

export const dnsCauses: readonly Cause[] = [
  {
    id: 'service-declined',
    layers: ['dns'],
    conditions: ['service-absent'],
    because: ({ domain }) =>
      `${domain} publishes that it has no such XMPP service: the target of its SRV record is ".".`,
    fix: (situation) => `If it has one, publish where instead of the ".": ${record(situation)}`,
  },
  {
    id: 'no-srv-no-address',
    layers: ['dns'],
    conditions: ['no-address', 'host-not-found'],
    when: concerns,
    because: ({ domain }) => `${domain} has neither SRV records nor an address: nobody can find its server.`,
    fix: (situation) => `Publish an SRV record that names the host of the server: ${record(situation)}`,
  },
  {
    id: 'target-without-address',
    layers: ['dns'],
    conditions: ['no-address', 'host-not-found'],
    because: (situation) =>
      `No host that the SRV records of ${situation.domain} name has an address; it does not exist, or is an alias of one that does not${said(situation)}.`,
    fix: () =>
      'Give the target of the SRV record an A or AAAA record, or have the SRV record name a host that has one.',
  },
  {
    id: 'tlsa-bogus',
    layers: ['dns'],
    conditions: ['bogus'],
    when: isTlsa,
    because: (situation) =>
      `The TLSA records of the server do not validate, so that nobody may connect to it${said(situation)}.`,
    fix: () => `${resign} Until then remove the TLSA records; an address that validates is not enough. ${onlyHere}`,
  },
  {
    id: 'signatures-expired',
    layers: ['dns'],
    conditions: ['bogus'],
    when: says(/expired/),
    because: (situation) =>
      `The DNSSEC signatures of the zone have ended, so that nobody who validates can reach ${situation.domain}${said(situation)}.`,
    fix: () => resign,
  },
  {
    id: 'signatures-not-yet-valid',
    layers: ['dns'],
    conditions: ['bogus'],
    when: says(/inception|not yet/),
    because: (situation) => `The DNSSEC signatures of the zone begin in the future${said(situation)}.`,
    fix: () => 'Set the clock of the machine that signs the zone, and sign it again; or the clock of this one.',
  },
  {
    id: 'keys-unanswered',
    layers: ['dns'],
    conditions: ['bogus'],
    when: (situation) => says(/DNSKEY/)(situation) && says(/time|servfail|refused|no answer/i)(situation),
    because: (situation) =>
      `The name servers of the zone did not answer for its keys (DNSKEY), so that nothing in it can be believed${said(situation)}.`,
    fix: () =>
      'Have each name server of the zone answer for DNSKEY, over TCP as well: the answer is longer than others, and is cut or lost on the way.',
  },
  {
    id: 'ds-mismatch',
    layers: ['dns'],
    conditions: ['bogus'],
    when: says(/\bDS\b|DNSKEY/),
    because: (situation) =>
      `The DS record in the parent zone belongs to none of the keys of the zone, or the zone is not signed although there is one${said(situation)}.`,
    fix: () =>
      'Have the parent publish the DS record of the key that signs the zone now (at the registrar), or remove it.',
  },
  {
    id: 'dnssec-bogus',
    layers: ['dns'],
    conditions: ['bogus'],
    because: (situation) =>
      `The DNS answers on ${situation.domain} do not validate: they are signed wrongly, or forged on the way${said(situation)}.`,
    fix: () => `${resign} ${onlyHere}`,
  },
  {
    id: 'srv-target-invalid',
    layers: ['dns'],
    conditions: ['lookup-failed'],
    when: says(/records are invalid|can be used/),
    because: (situation) =>
      `The SRV records of ${situation.domain} name no host: an IP address, a port of 0 or what is no host name${said(situation)}.`,
    fix: (situation) => `The target of an SRV record is the name of a host that has an address: ${record(situation)}`,
  },
  {
    id: 'dns-unreachable',
    mover: 'operator',
    layers: ['dns'],
    when: says(/no server could be reached/),
    because: () => 'No name server could be reached from here.',
    fix: () =>
      'Look at the network of this machine and at the servers that it asks: /etc/resolv.conf, or dns.servers in the configuration.',
  },
  {
    id: 'dns-silent',
    layers: ['dns'],
    when: (situation) =>
      /timeout/.test(situation.fault.condition) || says(/TIMEOUT|no answer|in time|timed? ?out/i)(situation),
    because: (situation) =>
      `No name server answered for ${situation.domain} in time; that is not the same as "there is none", so nothing was guessed${said(situation)}.`,
    fix: () => 'Look at the name servers of the zone: each has to answer over UDP and over TCP, from everywhere.',
  },
  {
    id: 'dns-server-failed',
    layers: ['dns'],
    because: (situation) => `The name servers could not answer for ${situation.domain}${said(situation)}.`,
    fix: () =>
      'Look at the log of the name servers of the zone: it is not loaded there, has expired, or is delegated to others.',
  },
];
