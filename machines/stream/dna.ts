/**
 * The DNA protocol of 2009 (ProtoXEP §4, §6): domains are asserted, challenged, proved, believed, withdrawn one by one.
 */
import { assign, emit, enqueueActions } from 'xstate';
import { type DnaProofs, uriOf } from '../../src/protocol/dna.ts';
import { type Fault, fault, toFault } from '../../src/protocol/faults.ts';
import type { DnaProofType } from '../../src/protocol/proof.ts';
import {
  entriesOf,
  entryOf,
  type GrowingTable,
  hasMember,
  withEntry,
  withFirst,
} from '../collections/growing-table.ts';
import { withIncoming } from '../collections/proved-pairs.ts';
import type { AssociationOutcome, ChallengeOutcome, ReceivedProof, TransportCommand } from '../events.ts';
import { heldIn, isHeld, nameIn, slotOf, withHeld, withoutHeld } from '../collections/slots.ts';
import { limits } from '../limits.ts';
import { type Dna, type FailedChild, type StreamContext, withDna, withPending, without } from './context.ts';
import {
  challengeIsDue,
  declaredInvalid,
  expired,
  faultOfAssertion,
  isKnownImpossible,
  isMutual,
  joined,
  nothingToShow,
  proofToShow,
  retracted,
  strongProof,
} from './dna-rules.ts';
import { associationOf, faultOfPair, isFullFor, proofOf, speaksDna, withProof } from './rules.ts';
import { raiseLimits, say } from './setup.ts';
import { identityVerification } from './verification.ts';

const valid = (domain: string): TransportCommand => say({ kind: 'dnaValid', to: domain });
const invalid = (domain: string): TransportCommand => say({ kind: 'dnaInvalid', to: domain });
const impossible = (domain: string): TransportCommand => say({ kind: 'dnaImpossible', from: domain });

const isBelieved = ({ dna }: StreamContext, domain: string): boolean => entryOf(dna.believed, domain) === true;

/**
 * A proved or believed domain no longer belongs to the far end. Other domains leave no trace, since the far end may
 * name any number of them.
 */
const disbelieved = ({ dna, proved, remote }: StreamContext, domain: string): Partial<Dna> => ({
  believed: entryOf(dna.believed, domain) === true ? withEntry(dna.believed, domain, false) : dna.believed,
  withdrawn:
    entryOf(dna.withdrawn, domain) !== true && (domain === remote || entryOf(proved, domain) !== undefined)
      ? withEntry(dna.withdrawn, domain, true)
      : dna.withdrawn,
});

const leftOpen = (domain: string, why: Fault): ChallengeOutcome => ({
  domain,
  prooftype: null,
  isImpossible: false,
  verdict: { kind: 'undetermined', fault: why },
});
const tooMany = fault('dna', 'resource-constraint', 'local', 'this stream takes no more challenges now');

/** As the validating entity: the domains that the far end has to prove, and those that we believe. */
const validating = identityVerification.extend({
  guards: {
    challengeIsDue: ({ context }) => challengeIsDue(context),
    challengeMayBeSent: ({ context }, domain: string) =>
      isMutual(context) &&
      heldIn(context.dna.challenges) < limits.pendingChallenges &&
      !isHeld(context.dna.challenges, domain),
    challengeIsOutstanding: ({ context }, domain: string) => isHeld(context.dna.challenges, domain),
  },
  actions: {
    sendChallenge: enqueueActions(
      ({ context, enqueue }, { domain, prooftypes }: { domain: string; prooftypes: readonly DnaProofType[] }) => {
        const challenges = withHeld(context.dna.challenges, domain);
        enqueue.assign(withDna(context, { challenges }));
        enqueue.spawnChild('challenge', {
          id: `challenge.${slotOf(challenges, domain)}`,
          input: { stream: context.stream, domain, prooftypes },
        });
        enqueue.sendTo('transport', { type: 'transport.proofAwaited' });
        enqueue.sendTo('transport', say({ kind: 'dnaChallenge', to: domain, types: prooftypes.map(uriOf) }));
      },
    ),
    /** The far end was not challenged for the domain. */
    reportUnchallenged: emit(({ context }, { domain, why }: { domain: string; why?: Fault }) => ({
      type: 'challenge.settled' as const,
      stream: context.stream,
      outcome: leftOpen(domain, why ?? tooMany),
    })),
    forwardProof: enqueueActions(
      ({ context, enqueue }, { domain, prooftype, data }: { domain: string } & ReceivedProof) => {
        const slot = slotOf(context.dna.challenges, domain);
        enqueue.sendTo(`challenge.${slot}`, { type: 'peer.proofReceived', prooftype, data });
      },
    ),
    settleChallenge: enqueueActions(({ context, enqueue }, outcome: ChallengeOutcome) => {
      const { domain, verdict } = outcome;
      const settled = { ...context, ...withDna(context, { challenges: withoutHeld(context.dna.challenges, domain) }) };
      const isProved = verdict.kind === 'proved' && faultOfPair(context, domain, verdict) === null;
      enqueue.stopChild(`challenge.${slotOf(context.dna.challenges, domain)}`);
      enqueue.assign({ dna: settled.dna, ...(isProved ? withProof(settled, domain, verdict) : {}) });
      enqueue.emit({ type: 'challenge.settled', stream: context.stream, outcome });
    }),
    settleFailedChallenge: enqueueActions(({ context, enqueue }, { slot, error }: FailedChild) => {
      const domain = nameIn(context.dna.challenges, slot);
      if (domain === null) return;
      enqueue.stopChild(`challenge.${slot}`);
      enqueue.assign(withDna(context, { challenges: withoutHeld(context.dna.challenges, domain) }));
      const outcome = leftOpen(domain, toFault(error, 'internal'));
      enqueue.emit({ type: 'challenge.settled', stream: context.stream, outcome });
    }),
    /** For an asserted domain, the result of the whole association is sent later instead. */
    tellOfChallenge: enqueueActions(({ context, enqueue }, { domain, isImpossible }: ChallengeOutcome) => {
      const isToldLater = isImpossible || context.dna.asserted.includes(domain);
      if (!isMutual(context) || isToldLater || strongProof(context, domain) !== null) return;
      // A believed domain was only to be renewed: its earlier proof holds until it ends.
      if (!isBelieved(context, domain)) enqueue.sendTo('transport', invalid(domain));
    }),
    /** The pair is reported before `<valid/>` is sent: stanzas may follow that immediately (S1, ProtoXEP §4.2). */
    believe: enqueueActions(({ context, enqueue }, domain: string) => {
      const proof = isMutual(context) ? strongProof(context, domain) : null;
      if (proof === null || isBelieved(context, domain)) return;
      const pair = { from: domain, to: context.local };
      if (isFullFor(context, pair)) {
        enqueue.sendTo('transport', invalid(domain));
        return;
      }
      enqueue.assign({
        ...withDna(context, { believed: withEntry(context.dna.believed, domain, true) }),
        validPairs: withIncoming(context.validPairs, pair, proof),
      });
      enqueue.sendTo('transport', raiseLimits);
      enqueue.emit({ type: 'pair.admitted', stream: context.stream, ...pair, proof });
      enqueue.sendTo('transport', valid(domain));
    }),
    /** The far end asserts a domain (ProtoXEP §4.1): it is answered at once, or verified first. */
    judgeAsserted: enqueueActions(({ context, enqueue }, domain: string) => {
      const heard = { ...context, ...withDna(context, { isSpoken: true }) };
      const { pending } = context;
      enqueue.emit({ type: 'domain.asserted', stream: context.stream, domain });
      const isProved = strongProof(heard, domain) !== null;
      const isUnderWay = isHeld(pending.associations, domain);
      const isNews = !isProved && !heard.dna.asserted.includes(domain) && faultOfAssertion(heard, domain) === null;
      // A domain beyond the limit is ignored; the far end may assert it again.
      const isTaken = isNews && (isUnderWay || heldIn(pending.associations) < limits.pendingAssociations);
      const associations = isTaken && !isUnderWay ? withHeld(pending.associations, domain) : pending.associations;
      enqueue.assign({
        ...withDna(heard, isTaken ? { asserted: [...heard.dna.asserted, domain] } : {}),
        ...withPending(context, { associations }),
      });
      if (isProved && isBelieved(heard, domain)) enqueue.sendTo('transport', valid(domain));
      else if (!isProved && faultOfAssertion(heard, domain) !== null) enqueue.sendTo('transport', invalid(domain));
      if (!isTaken || isUnderWay) return;
      enqueue.spawnChild('association', {
        id: `association.${slotOf(associations, domain)}`,
        input: { assertion: null, ...associationOf(heard, domain) },
      });
    }),
    tellOfAssociation: enqueueActions(
      ({ context, enqueue }, outcome: Pick<AssociationOutcome, 'domain' | 'attempts'>) => {
        const { domain } = outcome;
        if (!context.dna.asserted.includes(domain)) return;
        enqueue.assign(withDna(context, { asserted: without(context.dna.asserted, domain) }));
        if (strongProof(context, domain) === null && !isKnownImpossible(outcome))
          enqueue.sendTo('transport', invalid(domain));
      },
    ),
    /** ProtoXEP §4.3: a proof that we no longer trust; the rest of the stream is untouched (§6.8, L5). */
    endDnaProof: enqueueActions(({ context, enqueue }, domain: string) => {
      const { stream } = context;
      enqueue.assign(withDna(context, disbelieved(context, domain)));
      enqueue.emit({ type: 'domain.withdrawn', stream, domain, end: 'remote', fault: expired(domain) });
      if (isMutual(context)) enqueue.sendTo('transport', invalid(domain));
    }),
    /** An answer to our challenge, or the withdrawal of a believed domain, or both (ProtoXEP §4.5). */
    takeImpossible: enqueueActions(({ context, enqueue }, domain: string) => {
      const slot = slotOf(context.dna.challenges, domain);
      const isAnswer = slot !== -1;
      if (isAnswer) enqueue.sendTo(`challenge.${slot}`, { type: 'peer.proofDeclaredImpossible' });
      if (isAnswer && !isBelieved(context, domain) && proofOf(context, domain) === undefined) return;
      const { stream } = context;
      enqueue.assign(withDna(context, disbelieved(context, domain)));
      enqueue.emit({ type: 'domain.withdrawn', stream, domain, end: 'remote', fault: retracted(domain) });
    }),
    /** Another stream header follows: earlier assertions must be made again after it (S5). */
    forgetAsserted: enqueueActions(({ context, enqueue }) => {
      const { asserted, challenges } = context.dna;
      const { associations } = context.pending;
      for (const slot of challenges.keys()) enqueue.stopChild(`challenge.${slot}`);
      for (const domain of asserted) enqueue.stopChild(`association.${slotOf(associations, domain)}`);
      enqueue.assign({
        ...withDna(context, { asserted: [], challenges: [] }),
        ...withPending(context, { associations: asserted.reduce(withoutHeld, associations) }),
      });
    }),
    rememberChallenged: assign(({ context }, outcome: AssociationOutcome) => {
      const whole = joined(context.associated, outcome);
      return {
        associated: whole,
        ...(whole.verdict.kind === 'proved' ? withProof(context, whole.domain, whole.verdict) : {}),
      };
    }),
    reportChallenged: emit(({ context }, outcome: AssociationOutcome) => ({
      type: 'association.settled' as const,
      stream: context.stream,
      outcome: context.associated ?? outcome,
    })),
  },
});

/** As the asserting entity: the proofs that we can show, and which of our domains the far end believes. */
export const domainNameAssertions = validating.extend({
  delays: { provingPause: limits.provingMs },
  guards: {
    dnaIsSpoken: ({ context }) => speaksDna(context),
    weAreNotBelieved: ({ context }, domain: string) => entryOf(context.dna.standing, domain) === 'invalid',
  },
  actions: {
    /** ProtoXEP §6.4, §6.5: asserts our domain, unless the far end has already declared it valid. */
    assertOurselves: enqueueActions(({ context, enqueue }) => {
      const { dna, local } = context;
      if (isMutual(context) && entryOf(dna.standing, local) !== 'valid')
        enqueue.sendTo('transport', say({ kind: 'dnaAssert', from: local }));
    }),
    /** Stateless except for a limit on recent proofs: a challenge beyond it is not answered. */
    answerChallengeOf: enqueueActions(
      ({ context, enqueue }, { domain, prooftypes }: { domain: string; prooftypes: readonly DnaProofType[] }) => {
        const { shown, shownLately } = context.dna;
        const proof = proofToShow(context, domain, prooftypes);
        const isTooMuch = shownLately.includes(domain) || shownLately.length >= limits.proofsShown;
        if (proof === null || isTooMuch) {
          enqueue.assign(withDna(context, { isSpoken: true }));
          if (proof === null) enqueue.sendTo('transport', impossible(domain));
          return;
        }
        enqueue.assign(
          withDna(context, {
            isSpoken: true,
            shown: withFirst(shown, domain, true),
            shownLately: [...shownLately, domain],
          }),
        );
        if (shownLately.length === 0) enqueue.raise({ type: 'proofs.rested' }, { delay: 'provingPause' });
        enqueue.sendTo('transport', say({ kind: 'dnaProof', from: domain, type: uriOf(proof.type), data: proof.data }));
      },
    ),
    restProofs: assign(({ context }) => withDna(context, { shownLately: [] })),
    /** ProtoXEP §6.7: `<valid/>` may come unsolicited, but does not make a domain ours. */
    takeValid: enqueueActions(({ context, enqueue }, domain: string) => {
      if (!hasMember(context.settings.hosted, domain)) {
        enqueue.assign(withDna(context, { isSpoken: true }));
        enqueue.sendTo('transport', impossible(domain));
        return;
      }
      const isNews = entryOf(context.dna.standing, domain) !== 'valid';
      const standing = withEntry(context.dna.standing, domain, 'valid' as const);
      enqueue.assign(withDna(context, { isSpoken: true, ...(isNews ? { standing } : {}) }));
      enqueue.emit({ type: 'domain.judged', stream: context.stream, domain, verdict: 'valid' });
    }),
    /** ProtoXEP §4.3: no more stanzas may be sent from this domain. */
    takeInvalid: enqueueActions(({ context, enqueue }, domain: string) => {
      const { stream, dna } = context;
      if (!hasMember(context.settings.hosted, domain) || entryOf(dna.standing, domain) === 'invalid') return;
      enqueue.assign(withDna(context, { standing: withEntry(dna.standing, domain, 'invalid' as const) }));
      enqueue.emit({ type: 'domain.judged', stream, domain, verdict: 'invalid' });
      enqueue.emit({ type: 'domain.withdrawn', stream, domain, end: 'local', fault: declaredInvalid(domain) });
    }),
    /** ProtoXEP §4.5: a domain whose proof was shown, and can no longer be shown, is withdrawn. */
    takeProofs: enqueueActions(({ context, enqueue }, proofs: GrowingTable<DnaProofs>) => {
      const { settings, dna, stream } = context;
      const before = settings.dna.proofs;
      enqueue.assign({ settings: { ...settings, dna: { ...settings.dna, proofs } } });
      for (const domain of Object.keys(entriesOf(dna.shown))) {
        if (entryOf(before, domain) === undefined || entryOf(proofs, domain) !== undefined) continue;
        enqueue.sendTo('transport', impossible(domain));
        enqueue.emit({ type: 'domain.withdrawn', stream, domain, end: 'local', fault: nothingToShow(domain) });
      }
    }),
  },
});
