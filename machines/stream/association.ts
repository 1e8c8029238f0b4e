/** "A establishes DNA for b.example": proves which domains the far end of the stream serves (RFC 7712 §4.2). */
import { assign, emit, enqueueActions } from 'xstate';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import type { AssociationOutcome } from '../events.ts';
import { withEntry } from '../collections/growing-table.ts';
import { heldIn, isHeld, nameIn, slotOf, withHeld, withoutHeld } from '../collections/slots.ts';
import { limits } from '../limits.ts';
import { type FailedChild, withPending } from './context.ts';
import { faultOfSilence, mayYetBeChallenged } from './dna-rules.ts';
import { acceptableProof, associationOf, isUnprovedForGood, renewalOf, supposedProof, withProof } from './rules.ts';
import { tlsNegotiation } from './tls.ts';

export const domainNameAssociation = tlsNegotiation.extend({
  guards: {
    initiatorCanBeProved: ({ context }) =>
      context.negotiation.phase === 'open' &&
      context.tls !== null &&
      context.tls.certificate !== null &&
      context.remote !== '',
    farEndWasJudged: ({ context }) => context.associated !== null,
    /** An authoritative server may be asked without proof of its identity, but not after a final verdict against it. */
    farEndIsRefused: ({ context }) =>
      isUnprovedForGood(context) ||
      (context.purpose === 'stanzas' &&
        acceptableProof(context, context.remote) === null &&
        !mayYetBeChallenged(context)),
    /** The far end's features have not made it acceptable either. */
    judgedFarEndIsRefused: ({ context }) =>
      context.associated !== null && context.purpose === 'stanzas' && acceptableProof(context, context.remote) === null,
  },
  actions: {
    rememberAssociation: assign(({ context }, outcome: AssociationOutcome) => ({
      associated: outcome,
      proved:
        outcome.verdict.kind === 'proved' ? withEntry(context.proved, outcome.domain, outcome.verdict) : context.proved,
    })),
    reportAssociation: emit(({ context }, outcome: AssociationOutcome) => ({
      type: 'association.settled' as const,
      stream: context.stream,
      outcome,
    })),
    /** The domain was not examined. */
    reportUnassociated: emit(({ context }, { domain, why }: { domain: string; why: Fault }) => ({
      type: 'association.settled' as const,
      stream: context.stream,
      outcome: { domain, verdict: { kind: 'undetermined' as const, fault: why }, attempts: [] },
    })),
    /** The far end could not be proved: the fault of the attempts says why. */
    rememberUnproved: assign(({ context }) => {
      const verdict = context.associated?.verdict;
      return {
        fault:
          verdict === undefined || verdict.kind === 'proved'
            ? fault('policy', 'far-end-not-proved', 'peer')
            : (faultOfSilence(context) ?? verdict.fault),
      };
    }),
    associateFurtherDomain: enqueueActions(({ context, enqueue }, domain: string) => {
      if (isHeld(context.pending.associations, domain)) return;
      if (heldIn(context.pending.associations) >= limits.pendingAssociations) {
        const what = fault(
          'policy',
          'resource-constraint',
          'local',
          'too many domains are being proved on this stream',
        );
        const outcome: AssociationOutcome = { domain, verdict: { kind: 'undetermined', fault: what }, attempts: [] };
        enqueue.emit({ type: 'association.settled', stream: context.stream, outcome });
        return;
      }
      const associations = withHeld(context.pending.associations, domain);
      enqueue.assign(withPending(context, { associations }));
      enqueue.spawnChild('association', {
        id: `association.${slotOf(associations, domain)}`,
        input: { assertion: null, ...associationOf(context, domain) },
      });
    }),
    renewProof: enqueueActions(({ context, enqueue }, domain: string) => {
      const { pending } = context;
      if (isHeld(pending.associations, domain) || heldIn(pending.associations) >= limits.pendingAssociations) return;
      const associations = withHeld(pending.associations, domain);
      enqueue.assign(withPending(context, { associations }));
      enqueue.spawnChild('association', {
        id: `association.${slotOf(associations, domain)}`,
        input: { assertion: null, ...renewalOf(context, domain) },
      });
    }),
    settleAssociation: enqueueActions(({ context, enqueue }, { domain, verdict, attempts }: AssociationOutcome) => {
      const { associations } = context.pending;
      enqueue.stopChild(`association.${slotOf(associations, domain)}`);
      enqueue.assign(withPending(context, { associations: withoutHeld(associations, domain) }));
      // No supposition (XEP-0220 §2.6.2) for a domain that the far end merely asserts.
      const isOpen = verdict.kind !== 'proved' && verdict.final !== true && !context.dna.asserted.includes(domain);
      const proof = verdict.kind === 'proved' ? verdict : isOpen ? supposedProof(context, domain) : null;
      if (proof !== null) enqueue.assign(withProof(context, domain, proof));
      enqueue.emit({
        type: 'association.settled',
        stream: context.stream,
        outcome: { domain, verdict: proof === null ? verdict : { kind: 'proved', ...proof }, attempts },
      });
    }),
    settleFailedAssociation: enqueueActions(({ context, enqueue }, { slot, error }: FailedChild) => {
      const { associations } = context.pending;
      const domain = nameIn(associations, slot);
      if (domain === null) return;
      enqueue.stopChild(`association.${slot}`);
      enqueue.assign(withPending(context, { associations: withoutHeld(associations, domain) }));
      const verdict = { kind: 'undetermined', fault: toFault(error, 'internal') } as const;
      enqueue.emit({ type: 'association.settled', stream: context.stream, outcome: { domain, verdict, attempts: [] } });
    }),
  },
});
