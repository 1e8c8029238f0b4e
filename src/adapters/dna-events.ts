/** The peer's elements of the DNA protocol of 2009, as events of the stream machines. */
import type { EventObject } from 'xstate';
import { dnaProofTypeOf } from '../protocol/dna.ts';
import { canonicalDomain } from '../protocol/names.ts';
import { NS } from '../protocol/namespaces.ts';
import type { DnaElement } from '../protocol/wire.ts';

/** An element that names no valid domain is ignored like any element that we do not know (RFC 6120 §4.8.4). */
export function dnaEventOf(element: DnaElement): EventObject & Record<string, unknown> {
  const domain = canonicalDomain('from' in element ? element.from : element.to);
  if (domain === null)
    return { type: 'peer.unsupportedReceived', name: `{${NS.dna}}${element.kind.slice(3).toLowerCase()}` };
  switch (element.kind) {
    case 'dnaAssert':
      return { type: 'peer.domainAsserted', domain };
    case 'dnaChallenge': {
      const prooftypes = new Set(element.types.map(dnaProofTypeOf));
      return { type: 'peer.challengeReceived', domain, prooftypes: [...prooftypes].filter((type) => type !== null) };
    }
    case 'dnaProof':
      return { type: 'peer.proofReceived', domain, prooftype: dnaProofTypeOf(element.type), data: element.data };
    case 'dnaImpossible':
      return { type: 'peer.proofDeclaredImpossible', domain };
    case 'dnaValid':
      return { type: 'peer.domainDeclaredValid', domain };
    case 'dnaInvalid':
      return { type: 'peer.domainDeclaredInvalid', domain };
  }
}
