/** The effect of our own rules, queues, clocks and prooftypes on a negotiation. */
import { fromPromise } from 'xstate';
import type { ProoftypeVerdict } from '../../src/prooftype.ts';
import { prooftypeOf } from '../support/own-prooftypes.ts';
import { delegates, tableDnaJudge } from '../support/table-dna-judge.ts';
import { type Case, LATE_MS } from './case.ts';
import { farEnd, sends, silentAfter } from './far-ends.ts';
import { signedDns, signedDnsMissing } from './signed-dns.ts';
import { A, authority, B, type ProviderOptions, type Stage } from './stage.ts';

const section = 'Policy, queue and clocks';

const FAILED = { mover: 'operator', diagnosis: 'failed' } as const;
const HOUR_MS = 3_600_000;

const withPolicy = (policy: NonNullable<ProviderOptions['manager']>['policy']): ProviderOptions =>
  policy === undefined ? {} : { manager: { policy } };

export const policy: readonly Case[] = [
  {
    ...{ section, name: 'our policy denies the domain' },
    produce: (stage) => sends(stage, withPolicy({ deny: [B] })),
    expect: {
      ...FAILED,
      state: 'resting',
      cause: /Our own policy forbids b\.example/,
      fix: /Change policy\.allow or policy\.deny/,
    },
  },
  {
    ...{ section, name: 'our policy allows others only' },
    produce: (stage) => sends(stage, withPolicy({ allow: ['c.example'] })),
    expect: {
      ...FAILED,
      state: 'resting',
      cause: /Our own policy forbids b\.example/,
      fix: /Change policy\.allow or policy\.deny/,
    },
  },
  {
    ...{ section, name: 'the policy of the far end denies us' },
    produce: async (stage) => {
      const other = await stage.provider({ hosts: [B], ...withPolicy({ deny: [A] }) });
      return { ...(await sends(stage)), other };
    },
    expect: {
      ...{ ...FAILED, state: 'streamHeaders.awaitingFeatures' },
      cause: /does not talk to a\.example: policy-violation/,
      fix: /Ask its operator: our domain is on a list there/,
    },
  },
  {
    ...{ section, name: 'only DANE may prove, and nobody validates the DNS here' },
    produce: async (stage) => {
      await farEnd(stage, { external: 'accepted' });
      return sends(stage, withPolicy({ prooftypes: ['dane'] }));
    },
    expect: {
      ...{ ...FAILED, state: 'association.decidingProof' },
      cause: /could only be proved by DANE, but DNS answers are not validated here/,
      fix: /dns\.validator/,
    },
  },
  {
    ...{ section, name: 'only DANE may prove, and the domain is not signed', skip: signedDnsMissing },
    produce: async (stage) => {
      const { port } = await farEnd(stage, { external: 'accepted' });
      const { resolver } = await signedDns(stage, port, { isSigned: false });
      return sends(stage, { ...withPolicy({ prooftypes: ['dane'] }), ports: { resolver } });
    },
    expect: {
      ...{ state: 'association.decidingProof', mover: 'dns', diagnosis: 'failed' },
      cause: /could only be proved by DANE, but has no signed TLSA records for it \(.*not signed/,
      fix: /Have b\.example sign its zone.* or name other prooftypes in the policy/,
    },
  },
  {
    ...{ section, name: 'only POSH may prove, and nobody fetches documents here' },
    produce: async (stage) => {
      await farEnd(stage, { external: 'accepted' });
      return sends(stage, withPolicy({ prooftypes: ['posh'] }));
    },
    expect: {
      ...{ ...FAILED, state: 'association.decidingProof' },
      cause: /could only be proved by POSH, but POSH documents are not fetched here/,
      fix: /posh\.enabled in the configuration\), or name other prooftypes/,
    },
  },
  {
    ...{ section, name: 'dialback alone does not do for the far end' },
    produce: async (stage) => {
      const other = await stage.provider({ hosts: [B] });
      return { ...(await sends(stage, { showsAsClient: false, ...withPolicy({ federation: 'encrypted' }) })), other };
    },
    expect: {
      ...{ ...FAILED, state: 'established.open' },
      cause: /does not accept a\.example by dialback: not-authorized \(a strong proof is required here/,
      fix: /Have our certificate accepted \(SASL EXTERNAL\): the far end wants more than dialback/,
    },
  },
  {
    ...{ section, name: 'the queue of the pair is full', lateMs: LATE_MS },
    produce: async (stage) => {
      const produced = await silentAfter(stage, 0, { manager: { limits: { queueStanzas: 2 } } });
      for (let count = 0; count < 4; count += 1) produced.at.send(A, B);
      await stage.pass(1);
      return produced;
    },
    expect: {
      ...{ state: 'streamHeaders.awaitingHeader', mover: 'peer', diagnosis: 'header-silent' },
      cause:
        /has not answered our stream header for 7 s\. Meanwhile the queue from a\.example to b\.example is full \(2 stanzas\), and more are returned/,
      fix: /log of the server/,
    },
  },
  {
    ...{ section, name: 'our clock is two hours behind' },
    produce: async (stage) => {
      const fresh = authority.issue({ dnsNames: [B], notBefore: stage.clock.now() - HOUR_MS });
      const other = await stage.provider({ hosts: [B], credential: fresh });
      return { ...(await sends(stage, { aheadMs: -2 * HOUR_MS })), other };
    },
    expect: {
      ...{ ...FAILED, state: 'association.decidingProof' },
      cause: /becomes valid in 60 min, by the clock of this machine: most likely that clock is behind/,
      fix: /Set the clock of this machine \(NTP\)/,
    },
    joined: {
      id: 'clocks-apart',
      cause: /The clock of b\.example is 2 h ahead of that of a\.example/,
      fix: /Set both clocks \(NTP\)/,
    },
  },
  {
    ...{ section, name: 'a prooftype of the embedding program does not answer', lateMs: LATE_MS },
    produce: async (stage) => {
      await farEnd(stage, { external: 'accepted' });
      return sends(stage, ownProoftype(stage));
    },
    expect: {
      ...{ state: 'ownProoftype', mover: 'operator', diagnosis: 'ourselves-late' },
      cause: /has waited for 7 s for the verdict of a prooftype of the embedding program/,
      fix: /Look at the prooftype that the embedding program provides: it has not answered/,
    },
  },
  {
    ...{
      section: 'DNA protocol of 2009 (ProtoXEP §6)',
      name: 'the proof of delegation is lost on its way',
      lateMs: LATE_MS,
    },
    produce: async (stage) => {
      const dnaProofs = tableDnaJudge(() => stage.clock);
      const prooftypes = ['pkix', 'attribute-cert'];
      const other = await stage.provider({
        ...{ hosts: [B], credential: authority.issue({ dnsNames: ['xmpp.hoster.example'] }), ports: { dnaProofs } },
        manager: { policy: { prooftypes }, proofs: { [B]: { 'attribute-cert': delegates(B) } } },
        onTheWay: (text) => text.replace(/<(\w+:)?proof\b.*?<\/(\w+:)?proof>/s, ''),
      });
      return { ...(await sends(stage, { ports: { dnaProofs }, ...withPolicy({ prooftypes }) })), other };
    },
    expect: {
      ...{ state: 'awaitingProof', mover: 'peer', diagnosis: 'challenge-unanswered' },
      cause: /xmpp\.example port \d+ asserts b\.example, and has not shown for 7 s that the domain was delegated to it/,
      fix: /Give that server a proof from the owner of b\.example that is in force .*; or a certificate that names b\.example/,
    },
    joined: {
      id: 'sent-not-seen',
      cause: /b\.example sent .*, and a\.example never saw it/,
      fix: /what drops it between/,
    },
  },
];

const ownProoftype = (stage: Stage): ProviderOptions => {
  const hangs = fromPromise<ProoftypeVerdict>(() => {
    stage.changed();
    return new Promise(() => undefined);
  });
  return {
    manager: { policy: { prooftypes: ['asks-nobody'] }, prooftypes: { 'asks-nobody': prooftypeOf(() => hangs) } },
  };
};
