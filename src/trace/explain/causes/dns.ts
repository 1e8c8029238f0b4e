/** DNS: wrong, missing and untrustworthy answers. */
import { serviceFacts } from '../../../protocol/service.ts';
import { type Cause, type Situation, said } from './cause.ts';

const factsOf = ({ service = 'xmpp-server' }: Situation) => serviceFacts[service];
/** An SRV record that would work. */
const record = (situation: Situation, target = 'xmpp.' + situation.domain): string =>
  `${factsOf(situation).srv}.${situation.domain}. SRV 0 0 ${factsOf(situation).defaultPort} ${target}.`;

/** The text of the fault lists skipped hosts by name, each followed by its reason. */
const concerns = ({ fault, domain }: Situation): boolean => (fault.text ?? '').startsWith(`${domain}: `);

/**
 * The reason contains names that anybody may have chosen, such as `late.example`. Words with dots are removed first, so
 * that they cannot match the pattern.
 */
const says =
  (pattern: RegExp) =>
  ({ fault }: Situation): boolean =>
    pattern.test((fault.text ?? '').replace(/\S*\.\S*/g, ''));

const isTlsa = ({ fault }: Situation): boolean => /\bTLSA _\d/.test(fault.text ?? '');

const onlyHere = 'If only this machine is affected, look at what is between it and the name servers.';
const resign =
  'Sign the zone again, and make sure that this happens before the signatures expire; "ldns-verify-zone" shows it.';

export const dnsCauses: readonly Cause[] = [
  {
    id: 'service-declined',
    layers: ['dns'],
    conditions: ['service-absent'],
    because: ({ domain }) =>
      `${domain} publishes that it has no such XMPP service: the target of its SRV record is ".".`,
    fix: (situation) => `If it has one, publish its host instead of the ".": ${record(situation)}`,
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
      `The TLSA records of the server do not validate, so no connection to it is allowed${said(situation)}.`,
    fix: () => `${resign} Until then remove the TLSA records; an address that validates is not enough. ${onlyHere}`,
  },
  {
    id: 'signatures-expired',
    layers: ['dns'],
    conditions: ['bogus'],
    when: says(/expired/),
    because: (situation) =>
      `The DNSSEC signatures of the zone have expired, so nobody who validates can reach ${situation.domain}${said(situation)}.`,
    fix: () => resign,
  },
  {
    id: 'signatures-not-yet-valid',
    layers: ['dns'],
    conditions: ['bogus'],
    when: says(/inception|not yet/),
    because: (situation) => `The DNSSEC signatures of the zone begin in the future${said(situation)}.`,
    fix: () => 'Set the clock of the machine that signs the zone, and sign it again; or set the clock of this machine.',
  },
  {
    id: 'keys-unanswered',
    layers: ['dns'],
    conditions: ['bogus'],
    when: (situation) => says(/DNSKEY/)(situation) && says(/time|servfail|refused|no answer/i)(situation),
    because: (situation) =>
      `The name servers of the zone did not answer the query for its keys (DNSKEY), so nothing in it can be trusted${said(situation)}.`,
    fix: () =>
      'Make each name server of the zone answer DNSKEY queries, over TCP as well: the answer is longer than others, and is truncated or lost on the way.',
  },
  {
    id: 'ds-mismatch',
    layers: ['dns'],
    conditions: ['bogus'],
    when: says(/\bDS\b|DNSKEY/),
    because: (situation) =>
      `The DS record in the parent zone matches none of the keys of the zone, or the zone is not signed although there is one${said(situation)}.`,
    fix: () =>
      'Have the parent publish the DS record of the key that signs the zone now (at the registrar), or remove it.',
  },
  {
    id: 'dnssec-bogus',
    layers: ['dns'],
    conditions: ['bogus'],
    because: (situation) =>
      `The DNS answers for ${situation.domain} do not validate: they are signed incorrectly, or forged on the way${said(situation)}.`,
    fix: () => `${resign} ${onlyHere}`,
  },
  {
    id: 'srv-target-invalid',
    layers: ['dns'],
    conditions: ['lookup-failed'],
    when: says(/records are invalid|can be used/),
    because: (situation) =>
      `The SRV records of ${situation.domain} name no usable host: they have an IP address, port 0, or something that is not a host name${said(situation)}.`,
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
      'Look at the log of the name servers of the zone: the zone may not be loaded there, may have expired, or may be delegated elsewhere.',
  },
];
