/**
 * The receiving stream as a table: the flow chart of RFC 7712 §4, and what the peer may not do in each of its boxes.
 */
import { receivingStream } from '../../../machines/index.ts';
import { receivingInput } from '../../support/samples.ts';
import { anywhere, closes, closesQuietly, streamEvents, whileClosing } from '../../support/stream-tables.ts';
import { checkTable, ended } from '../../support/tables.ts';

const events = {
  ...streamEvents('b.example', 'a.example', 'receiving'),
  'auth without response': { type: 'peer.authRequested', mechanism: 'EXTERNAL', initialResponse: null },
};
const everywhere = { ...anywhere, 'auth without response': anywhere['peer.authRequested'] } as const;

const toStartTls = ['peer.streamOpened'] as const;
const toHandshake = [...toStartTls, 'peer.startTlsRequested'] as const;
const toVerdict = [...toHandshake, 'transport.secured', 'peer.streamOpened'] as const;
const toAuthentication = [...toVerdict, 'far end proved'] as const;
const toVerifications = [
  ...toAuthentication,
  'peer.resultRequested',
  { type: 'xstate.after.authenticationTimeout.receivingStream.authentication.awaitingAuthentication' },
] as const;
const toExternal = [...toAuthentication, 'auth without response'] as const;
const toEstablished = [...toAuthentication, 'peer.authRequested', 'peer.streamOpened'] as const;

const granted = ['streamHeaders.awaitingHeader', 'say success', 'restart', 'authenticated'] as const;
const judgesAndOffers = [
  'authentication.awaitingAuthentication',
  'report association.settled',
  'say features',
  'report stream.verifiable',
] as const;
/** S1: the fact before the answer. */
const claims = {
  'assertion verified': [
    '.',
    'report verification.settled',
    'authenticated',
    'report pair.admitted',
    'say result valid',
  ],
  'assertion disowned': ['.', 'report verification.settled', 'say result forbidden'],
} as const;

/** Domains join the stream, and leave it. */
const associates = {
  'far end proved': ['.', 'report association.settled'],
  'far end not proved': ['.', 'report association.settled'],
  'c.example proved': ['.', 'report association.settled'],
  'challenge settled': ['.', 'report challenge.settled'],
  'local.proofEnded': ['.', 'report domain.withdrawn'],
} as const;

const claimIsDone = 'stop verification.a.example>b.example';

checkTable({
  machine: receivingStream,
  spec: 'RFC 7712 §4, RFC 6120 §4-6',
  input: receivingInput(),
  events,
  passing: ['accepted'],
  ways: {
    'streamHeaders.awaitingHeader': [],
    'tlsNegotiation.awaitingStartTls': toStartTls,
    'tlsNegotiation.awaitingHandshake': toHandshake,
    association: toVerdict,
    'authentication.awaitingAuthentication': toAuthentication,
    'authentication.awaitingVerifications': toVerifications,
    'authentication.saslExternal': toExternal,
    established: toEstablished,
    closing: ['local.closeRequested'],
    closed: ['transport.closed'],
  },
  table: {
    'streamHeaders.awaitingHeader': {
      ...everywhere,
      'peer.streamOpened': ['tlsNegotiation.awaitingStartTls', 'say streamHeader', 'say features'],
      late: closes('connection-timeout'),
    },
    'tlsNegotiation.awaitingStartTls': {
      ...everywhere,
      'peer.startTlsRequested': ['tlsNegotiation.awaitingHandshake', 'say proceed', 'secureAsServer'],
      'peer.authRequested': ['.', 'say saslFailure encryption-required'],
      'auth without response': ['.', 'say saslFailure encryption-required'],
      'peer.resultRequested': ['.', 'say result policy-violation'],
      'peer.verifyRequested': ['.', 'say verify policy-violation'],
      late: closes('connection-timeout'),
    },
    'tlsNegotiation.awaitingHandshake': {
      ...everywhere,
      'transport.secured': ['streamHeaders.awaitingHeader'],
      late: ['closing', 'drop', 'report stream.closing', 'close tls/handshake-timeout'],
    },
    association: {
      ...everywhere,
      'far end proved': judgesAndOffers,
      'far end not proved': judgesAndOffers,
      'association broken': judgesAndOffers,
      late: judgesAndOffers,
    },
    'authentication.awaitingAuthentication': {
      ...everywhere,
      ...associates,
      'peer.saslAborted': ['.', 'say saslFailure aborted'],
      'peer.authRequested': granted,
      'auth without response': ['authentication.saslExternal', 'say challenge'],
      'peer.bidiRequested': '=',
      'peer.resultRequested': ['.', 'spawn verification.a.example>b.example'],
      'peer.verifyRequested': ['.', 'say verify valid'],
      'local.verifyRequested': ['.', 'say verify'],
      'transport.idle': closesQuietly,
      ...claims,
      'assertion verified': ['established', ...claims['assertion verified'].slice(1), 'report stream.established'],
      late: closes('connection-timeout'),
    },
    'authentication.awaitingVerifications': {
      ...everywhere,
      ...associates,
      'transport.closed': [...everywhere['transport.closed'], claimIsDone],
      'transport broken': [...everywhere['transport broken'], claimIsDone],
      'peer.saslAborted': ['authentication.awaitingAuthentication', 'say saslFailure aborted'],
      'peer.authRequested': [granted[0], claimIsDone, ...granted.slice(1)],
      'auth without response': ['authentication.saslExternal', 'say challenge'],
      'peer.bidiRequested': '=',
      'peer.resultRequested': '=',
      'peer.verifyRequested': ['.', 'say verify valid'],
      'local.verifyRequested': ['.', 'say verify'],
      'transport.idle': '=',
      'verification broken': [
        'closing',
        claimIsDone,
        'report verification.settled',
        'say result internal-server-error',
        'report stream.closing',
        'close connection-timeout',
      ],
      'assertion verified': [
        'established',
        claimIsDone,
        ...claims['assertion verified'].slice(1),
        'report stream.established',
      ],
      'assertion disowned': [
        'closing',
        claimIsDone,
        'say result invalid',
        'report stream.closing',
        'close dialback/invalid',
      ],
      late: closes('connection-timeout'),
    },
    'authentication.saslExternal': {
      ...everywhere,
      ...associates,
      'peer.saslResponded': granted,
      'peer.saslAborted': ['authentication.awaitingAuthentication', 'say saslFailure aborted'],
      'peer.authRequested': granted,
      'auth without response': ['.', 'say challenge'],
      'peer.bidiRequested': '=',
      'peer.resultRequested': ['.', 'spawn verification.a.example>b.example'],
      'peer.verifyRequested': ['.', 'say verify valid'],
      'local.verifyRequested': ['.', 'say verify'],
      'transport.idle': closesQuietly,
      ...claims,
      'assertion verified': ['established', ...claims['assertion verified'].slice(1), 'report stream.established'],
      late: closes('connection-timeout'),
    },
    established: {
      ...everywhere,
      ...associates,
      'peer.resultRequested': ['.', 'spawn verification.a.example>b.example'],
      'peer.verifyRequested': ['.', 'say verify valid'],
      'local.verifyRequested': ['.', 'say verify'],
      'local.associationRequested': ['.', 'spawn association.c.example'],
      'local.renewalRequested': ['.', 'spawn association.c.example'],
      'assertion valid': ['.', 'authenticated', 'report pair.accepted'],
      'assertion late': ['.', 'report pair.refused'],
      ...claims,
      'transport.idle': closesQuietly,
      late: '-',
    },
    // Earlier requests may still be answered; here there were none.
    closing: {
      ...whileClosing,
      'auth without response': '=',
      'assertion valid': ['.', 'report pair.refused'],
      'assertion late': ['.', 'report pair.refused'],
    },
    closed: ended(events),
  },
});
