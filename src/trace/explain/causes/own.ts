/** What is full, or out of time, on our own side. */
import { type Cause, place, said } from './cause.ts';

export const ownCauses: readonly Cause[] = [
  {
    id: 'too-many-assertions',
    layers: ['queue'],
    conditions: ['too-many-assertions'],
    because: ({ domain }) =>
      `So many domains of ours wait to be asserted to ${domain} on one stream that there is no room for another.`,
    fix: ({ domain }) =>
      `Look into one that waits: ${domain} answers none of them, or slowly. A certificate that it accepts (SASL EXTERNAL) needs no assertions.`,
    mover: 'peer',
  },
  {
    id: 'too-many-wishes',
    layers: ['queue'],
    conditions: ['resource-constraint'],
    because: ({ domain }) => `More domains of ours than are let wait do so for a stream to ${domain}.`,
    fix: ({ domain }) => `Look into one that waits: what holds up the stream to ${domain} holds up them all.`,
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
      `No stream to ${situation.domain} came to stand for as long as stanzas wait; the last that was tried was ${place(situation)}.`,
    fix: ({ domain }) =>
      `"xmpp-dna check ${domain}" shows how far a stream comes now; remove targets that do not answer from its SRV records.`,
  },
  {
    id: 'queue-full',
    layers: ['queue'],
    because: (situation) =>
      `The queue of stanzas from ${situation.local ?? 'here'} to ${situation.domain} is full${said(situation)}.`,
    fix: ({ domain }) =>
      `What keeps them from ${domain} is told by the pair; until then whoever sends so much may be slowed, or limits.queueStanzas and limits.queueBytes raised.`,
    mover: 'operator',
  },
];
