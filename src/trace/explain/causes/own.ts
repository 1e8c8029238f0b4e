/** Limits and timeouts on our own side. */
import { type Cause, place, said } from './cause.ts';

export const ownCauses: readonly Cause[] = [
  {
    id: 'too-many-assertions',
    layers: ['queue'],
    conditions: ['too-many-assertions'],
    because: ({ domain }) =>
      `Too many of our domains are waiting to be asserted to ${domain} on one stream: there is no room for another.`,
    fix: ({ domain }) =>
      `Look at one of those that wait: ${domain} answers none of them, or answers slowly. A certificate that it accepts (SASL EXTERNAL) needs no assertions.`,
    mover: 'peer',
  },
  {
    id: 'too-many-wishes',
    layers: ['queue'],
    conditions: ['resource-constraint'],
    because: ({ domain }) => `Too many of our domains are waiting for a stream to ${domain}.`,
    fix: ({ domain }) => `Look at one of those that wait: whatever delays the stream to ${domain} delays them all.`,
  },
  {
    id: 'queue-too-old',
    layers: ['queue'],
    conditions: ['queue-age'],
    because: ({ domain, local = '' }) =>
      `Stanzas from ${local} waited for a stream to ${domain} until their time was up.`,
    fix: ({ domain }) => `"xmpp-dna check ${domain}" shows how far a stream comes now.`,
  },
  {
    id: 'route-too-late',
    layers: ['tcp'],
    conditions: ['route-timeout'],
    because: (situation) =>
      `No stream to ${situation.domain} was established in the time that stanzas may wait; the last target tried was ${place(situation)}.`,
    fix: ({ domain }) =>
      `"xmpp-dna check ${domain}" shows how far a stream comes now; remove targets that do not answer from its SRV records.`,
  },
  {
    id: 'queue-full',
    layers: ['queue'],
    because: (situation) =>
      `The queue of stanzas from ${situation.local ?? 'here'} to ${situation.domain} is full${said(situation)}.`,
    fix: ({ domain }) =>
      `The explanation of the pair says what keeps them from ${domain}; until that is fixed, slow the sender down, or raise limits.queueStanzas and limits.queueBytes.`,
    mover: 'operator',
  },
];
