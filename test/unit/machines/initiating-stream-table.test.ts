/**
 * The initiating stream as a table: the flow chart of RFC 7712 §4, and what the peer may not do in each of its boxes.
 */
import { initiatingStream } from '../../../machines/index.ts';
import { features, initiatingInput } from '../../support/samples.ts';
import { anywhere, closes, closesQuietly, streamEvents, whileClosing } from '../../support/stream-tables.ts';
import { checkTable, ended } from '../../support/tables.ts';

const events = streamEvents('a.example', 'b.example', 'initiating');

const toHeader = ['transport.connected'] as const;
const toFeatures = [...toHeader, 'peer.streamOpened'] as const;
const toProceed = [...toFeatures, 'peer.featuresReceived'] as const;
const toHandshake = [...toProceed, 'peer.proceedReceived'] as const;
const toVerdict = [...toHandshake, 'transport.secured'] as const;
const toExternal = [...toVerdict, 'far end proved', 'peer.streamOpened', 'peer.featuresReceived'] as const;
const toDialback = [...toExternal, 'peer.saslFailed'] as const;
const toQuestions = [...toVerdict, 'far end not proved', 'peer.streamOpened', 'peer.featuresReceived'] as const;

const forQuestions = initiatingInput({ purpose: 'verification' });

/** Policy has b.example challenged, and its features allow it: its certificate proves nothing. */
const settings = {
  ...initiatingInput({}, { prooftypes: ['pkix', 'attribute-cert'] }).settings,
  dna: { checks: true, proofs: [] },
};
const toChallenge = [
  ...toVerdict,
  'far end not proved',
  'peer.streamOpened',
  { type: 'peer.featuresReceived', features: features({ asserts: ['b.example'] }) },
] as const;

const serves = {
  ...anywhere,
  'local.proofEnded': ['.', 'report domain.withdrawn'],
  'challenge settled': ['.', 'report challenge.settled'],
  'peer.featuresReceived': '=', // RFC 6120 §4.3.5
  'peer.verifyRequested': ['.', 'say verify valid'],
  'local.assertionRequested': ['.', 'spawn assertion.a.example>b.example', 'say result', 'report pair.asserted'],
  'local.associationRequested': ['.', 'spawn association.c.example'],
  'local.renewalRequested': ['.', 'spawn association.c.example'],
  'local.verifyRequested': ['.', 'say verify'],
  'transport.idle': closesQuietly,
  'assertion valid': ['.', 'authenticated', 'report pair.accepted'],
  'assertion late': ['.', 'report pair.refused'],
  'far end proved': ['.', 'report association.settled'],
  'far end not proved': ['.', 'report association.settled'],
  'c.example proved': ['.', 'report association.settled'],
  'assertion verified': [
    '.',
    'report verification.settled',
    'authenticated',
    'report pair.admitted',
    'say result valid',
  ],
  'assertion disowned': ['.', 'report verification.settled', 'say result forbidden'],
} as const;

checkTable({
  machine: initiatingStream,
  spec: 'RFC 7712 §4, RFC 6120 §4-6',
  input: initiatingInput(),
  inputs: {
    'association.awaitingChallenge': initiatingInput({ settings }),
    'established.verifying': forQuestions,
    'established.lingering': forQuestions,
  },
  events,
  passing: ['authentication.dialback'],
  ways: {
    connecting: [],
    'streamHeaders.awaitingHeader': toHeader,
    'streamHeaders.awaitingFeatures': toFeatures,
    'tlsNegotiation.awaitingProceed': toProceed,
    'tlsNegotiation.awaitingHandshake': toHandshake,
    'association.awaitingVerdict': toVerdict,
    'association.awaitingChallenge': toChallenge,
    'authentication.saslExternal': toExternal,
    'established.open': toDialback,
    'established.verifying': [...toQuestions, 'local.verifyRequested'],
    'established.lingering': toQuestions,
    closing: ['local.closeRequested'],
    closed: ['transport.closed'],
  },
  table: {
    connecting: {
      ...anywhere,
      'transport.connected': ['streamHeaders.awaitingHeader', 'say streamHeader'],
      late: closes('tcp/connect-timeout'),
    },
    'streamHeaders.awaitingHeader': {
      ...anywhere,
      'peer.streamOpened': ['streamHeaders.awaitingFeatures'],
      late: closes('header-timeout'),
    },
    'streamHeaders.awaitingFeatures': {
      ...anywhere,
      'peer.featuresReceived': ['tlsNegotiation.awaitingProceed', 'say starttls'],
      late: closes('features-timeout'),
    },
    'tlsNegotiation.awaitingProceed': {
      ...anywhere,
      'peer.proceedReceived': ['tlsNegotiation.awaitingHandshake', 'secureAsClient'],
      'peer.startTlsRefused': closes('tls/starttls-refused'),
      late: closes('tls/proceed-timeout'),
    },
    'tlsNegotiation.awaitingHandshake': {
      ...anywhere,
      'transport.secured': ['association.awaitingVerdict', 'spawn association'],
      late: closes('tls/handshake-timeout'),
    },
    'association.awaitingVerdict': {
      ...anywhere,
      'far end proved': ['streamHeaders.awaitingHeader', 'report association.settled', 'say streamHeader'],
      'far end not proved': [
        'closing',
        'report association.settled',
        'report stream.closing',
        'close pkix/untrusted-root',
      ],
      'association broken': closes('internal/internal-error'),
      late: closes('pkix/association-timeout'),
    },
    'association.awaitingChallenge': {
      ...anywhere,
      'peer.challengeReceived': ['.', 'say dnaImpossible'],
      'peer.proofDeclaredImpossible': ['.', 'report domain.withdrawn'],
      'peer.domainDeclaredValid': ['.', 'report domain.judged'],
      'peer.domainDeclaredInvalid': ['.', 'report domain.judged', 'report domain.withdrawn'],
      'local.challengeRequested': ['.', 'spawn challenge.c.example', 'proofAwaited', 'say dnaChallenge'],
      'local.proofEnded': ['.', 'report domain.withdrawn', 'say dnaInvalid'],
      'challenge settled': ['.', 'report challenge.settled', 'say dnaInvalid'],
      'far end proved': [
        'established.open',
        'report association.settled',
        'report stream.verifiable',
        'report stream.established',
        'authenticated',
        'report pair.admitted',
        'say dnaValid',
        'say dnaAssert',
      ],
      'far end not proved': [
        'closing',
        'report association.settled',
        'report stream.closing',
        'close policy/no-prooftype',
      ],
      'association broken': closes('internal/internal-error'),
      late: closes('dna/association-timeout'),
    },
    'authentication.saslExternal': {
      ...anywhere,
      'peer.saslChallenged': ['.', 'say response'],
      'peer.saslSucceeded': ['streamHeaders.awaitingHeader', 'restart', 'say streamHeader'],
      'peer.saslFailed': ['established.open', 'report stream.verifiable', 'report stream.established'],
      'peer.streamClosed': closes('sasl/closed-after-auth'),
      late: closes('sasl/outcome-timeout'),
    },
    'established.open': { ...serves, late: '-' },
    'established.verifying': {
      ...serves,
      'peer.verifyAnswered': ['established.lingering', 'report verify.answered'],
      'local.verifyAbandoned': ['established.lingering'],
      'local.assertionRequested': ['.', 'report pair.refused'],
      'assertion valid': ['.', 'report pair.refused'],
      late: closes('connection-timeout'),
    },
    'established.lingering': {
      ...serves,
      'local.verifyRequested': ['established.verifying', 'say verify'],
      'local.assertionRequested': ['.', 'report pair.refused'],
      'assertion valid': ['.', 'report pair.refused'],
      late: closesQuietly,
    },
    // Earlier requests may still be answered; here there were none.
    closing: {
      ...whileClosing,
      'assertion valid': ['.', 'report pair.refused'],
      'assertion late': ['.', 'report pair.refused'],
    },
    closed: ended(events),
  },
});
