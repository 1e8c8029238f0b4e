/**
 * What the tables of the two stream charts share: the events, and the effect of each that does not depend on the state.
 */
import { fault } from '../../src/protocol/faults.ts';
import {
  certificateOf,
  disowned,
  features,
  header,
  provedFor,
  refutedFor,
  responseHeader,
  tlsWith,
  unanswered,
  verified,
} from './samples.ts';
import { broken, done } from './tables.ts';

/** For our domain `local` and the far end's `remote`. */
export function streamEvents(local: string, remote: string, side: 'initiating' | 'receiving') {
  const ours = { from: local, to: remote };
  const theirs = { from: remote, to: local };
  const header_ = side === 'initiating' ? responseHeader() : header();
  return {
    'peer.streamOpened': { type: 'peer.streamOpened', header: header_, freshId: 'fresh' },
    'peer.featuresReceived': {
      type: 'peer.featuresReceived',
      features: features({ startTls: 'required', mechanisms: ['EXTERNAL'] }),
    },
    'peer.startTlsRequested': { type: 'peer.startTlsRequested' },
    'peer.proceedReceived': { type: 'peer.proceedReceived' },
    'peer.startTlsRefused': { type: 'peer.startTlsRefused' },
    'peer.authRequested': { type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: '=' },
    'peer.saslChallenged': { type: 'peer.saslChallenged' },
    'peer.saslResponded': { type: 'peer.saslResponded', data: '=' },
    'peer.saslAborted': { type: 'peer.saslAborted' },
    'peer.saslSucceeded': { type: 'peer.saslSucceeded' },
    'peer.saslFailed': { type: 'peer.saslFailed', condition: 'not-authorized', text: null },
    'peer.bidiRequested': { type: 'peer.bidiRequested' },
    'peer.resultRequested': { type: 'peer.resultRequested', ...theirs, key: 'k' },
    'peer.resultAnswered': { type: 'peer.resultAnswered', ...theirs, answer: { type: 'valid' } },
    'peer.verifyRequested': { type: 'peer.verifyRequested', ...theirs, id: 'x', keyMatches: true },
    'peer.verifyAnswered': { type: 'peer.verifyAnswered', ...theirs, id: 'x', answer: { type: 'valid' } },
    'peer.streamErrorReceived': { type: 'peer.streamErrorReceived', condition: 'conflict', text: null },
    'peer.streamClosed': { type: 'peer.streamClosed' },
    'peer.unsupportedReceived': { type: 'peer.unsupportedReceived', name: '{urn:x}y' },
    'peer.domainAsserted': { type: 'peer.domainAsserted', domain: 'c.example' },
    'peer.challengeReceived': { type: 'peer.challengeReceived', domain: local, prooftypes: ['attribute-cert'] },
    'peer.proofReceived': { type: 'peer.proofReceived', domain: remote, prooftype: 'attribute-cert', data: 'x' },
    'peer.proofDeclaredImpossible': { type: 'peer.proofDeclaredImpossible', domain: remote },
    'peer.domainDeclaredValid': { type: 'peer.domainDeclaredValid', domain: local },
    'peer.domainDeclaredInvalid': { type: 'peer.domainDeclaredInvalid', domain: local },
    'transport.connected': { type: 'transport.connected', remoteAddress: '127.0.0.1', remotePort: 5269 },
    'transport.secured': { type: 'transport.secured', tls: tlsWith(certificateOf(remote)) },
    'transport.inputRefused': {
      type: 'transport.inputRefused',
      fault: fault('stream', 'not-well-formed', 'peer'),
    },
    'transport.stanzaRefused': { type: 'transport.stanzaRefused', fault: fault('stream', 'invalid-from', 'peer') },
    'transport.idle': { type: 'transport.idle' },
    'transport.closed': { type: 'transport.closed', fault: null },
    'local.assertionRequested': { type: 'local.assertionRequested', ...ours },
    'local.associationRequested': { type: 'local.associationRequested', domain: 'c.example' },
    'local.renewalRequested': { type: 'local.renewalRequested', domain: 'c.example' },
    'local.challengeRequested': {
      type: 'local.challengeRequested',
      domain: 'c.example',
      prooftypes: ['attribute-cert'],
    },
    'local.proofEnded': { type: 'local.proofEnded', domain: remote },
    'local.proofsChanged': { type: 'local.proofsChanged', proofs: [] },
    'proofs.rested': { type: 'proofs.rested' },
    'local.verifyRequested': { type: 'local.verifyRequested', ...ours, id: 'x', key: 'k' },
    'local.verifyAbandoned': { type: 'local.verifyAbandoned', ...ours, id: 'x' },
    'local.closeRequested': { type: 'local.closeRequested', fault: null },
    'local.policyChanged': { type: 'local.policyChanged', policy: { federation: 'encrypted' } },
    'assertion.overdue': { type: 'assertion.overdue', ...ours },
    // Ends of children, each the only one of its kind.
    'far end proved': done('association', provedFor(remote)),
    'far end not proved': done('association', refutedFor(remote)),
    'association broken': broken('association'),
    'c.example proved': done('association.0', provedFor('c.example')),
    'assertion valid': done('assertion.0', { ...ours, answer: { type: 'valid' } }),
    'assertion late': done('assertion.0', { ...ours, answer: { type: 'late' } }),
    'assertion broken': broken('assertion.0'),
    'c.example broken': broken('association.0'),
    'challenge settled': done('challenge.0', unanswered('c.example')),
    'challenge broken': broken('challenge.0'),
    'assertion verified': done('verification.0', verified(remote, local)),
    'assertion disowned': done('verification.0', disowned(remote, local)),
    'verification broken': broken('verification.0'),
    'transport broken': broken('transport'),
  } as const;
}

/** Goes to `closing`, notifies the owner, and closes with this stream error or other fault as the reason. */
export const closes = (reason: string) => ['closing', 'report stream.closing', `close ${reason}`] as const;
export const closesQuietly = ['closing', 'report stream.closing', 'close'] as const;
const outOfPlace = closes('policy-violation');

/** The defaults for all states (RFC 6120 §4.9.3.14): an element that the peer may not send closes the stream. */
export const anywhere = {
  'peer.streamOpened': outOfPlace,
  'peer.featuresReceived': outOfPlace,
  'peer.startTlsRequested': outOfPlace,
  'peer.proceedReceived': outOfPlace,
  'peer.startTlsRefused': outOfPlace,
  'peer.authRequested': outOfPlace,
  'peer.saslChallenged': outOfPlace,
  'peer.saslResponded': outOfPlace,
  'peer.saslAborted': outOfPlace,
  'peer.saslSucceeded': outOfPlace,
  'peer.saslFailed': outOfPlace,
  'peer.bidiRequested': outOfPlace,
  'peer.resultRequested': outOfPlace,
  'peer.resultAnswered': '=', // S6
  'peer.verifyRequested': outOfPlace,
  'peer.verifyAnswered': '=', // S6
  'peer.streamErrorReceived': closesQuietly,
  'peer.streamClosed': closesQuietly,
  'peer.unsupportedReceived': '=', // RFC 6120 §4.8.4
  // The DNA protocol of 2009, where it is not spoken.
  'peer.domainAsserted': '=',
  'peer.challengeReceived': '=',
  'peer.proofReceived': '=',
  'peer.proofDeclaredImpossible': '=',
  'peer.domainDeclaredValid': '=',
  'peer.domainDeclaredInvalid': '=',
  'transport.connected': '=',
  'transport.secured': '=',
  'transport.inputRefused': closes('not-well-formed'),
  'transport.stanzaRefused': closes('invalid-from'),
  'transport.idle': '=',
  'transport.closed': ['closed', 'report stream.closed'],
  'local.assertionRequested': ['.', 'report pair.refused'], // L1: never left without an answer
  'local.associationRequested': ['.', 'report association.settled'],
  'local.renewalRequested': '=', // the stream is about to end, or begins
  'local.challengeRequested': ['.', 'report challenge.settled'],
  'local.proofEnded': '=',
  'local.proofsChanged': '=',
  'proofs.rested': '=',
  'local.verifyRequested': '=',
  'local.verifyAbandoned': '=',
  'local.closeRequested': closesQuietly,
  'local.policyChanged': '=',
  'assertion.overdue': '=', // a timer that is stopped with the assertion
  'far end proved': '=',
  'far end not proved': '=',
  'association broken': '=',
  'c.example proved': '=',
  'assertion valid': '=',
  'assertion late': '=',
  'assertion broken': '=',
  'c.example broken': '=',
  'challenge settled': '=',
  'challenge broken': '=',
  'assertion verified': '=',
  'assertion disowned': '=',
  'verification broken': '=',
  'transport broken': ['closed', 'report stream.closed'],
} as const;

/** The closing tags are being exchanged: requests are ignored, and nothing new is sent (RFC 6120 §4.4). */
export const whileClosing = {
  ...anywhere,
  'peer.streamOpened': '=',
  'peer.featuresReceived': '=',
  'peer.startTlsRequested': '=',
  'peer.proceedReceived': '=',
  'peer.startTlsRefused': '=',
  'peer.authRequested': '=',
  'peer.saslChallenged': '=',
  'peer.saslResponded': '=',
  'peer.saslAborted': '=',
  'peer.saslSucceeded': '=',
  'peer.saslFailed': '=',
  'peer.bidiRequested': '=',
  'peer.resultRequested': '=',
  'peer.verifyRequested': '=',
  'peer.streamErrorReceived': '=',
  'peer.streamClosed': ['.', 'end'],
  'transport.inputRefused': ['.', 'drop'],
  'transport.stanzaRefused': '=',
  'local.closeRequested': '=',
  late: ['closed', 'drop', 'report stream.closed'],
} as const;
