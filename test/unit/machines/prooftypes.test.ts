/** The prooftypes as tables: one question each, three verdicts, and never a fourth. */
import { dialbackProoftype, pkixProoftype } from '../../../machines/index.ts';
import { certificateOf } from '../../support/samples.ts';
import { broken, checkTable, done, ended } from '../../support/tables.ts';

const certificate = certificateOf('a.example');

const pkixEvents = {
  'path valid': done('validatePath', { kind: 'valid', notAfterMs: 4e12, pathSha256: ['leaf', 'root'] }),
  'path invalid': done('validatePath', { kind: 'invalid', condition: 'expired', text: 'it ended', depth: 0 }),
  'validator broken': broken('validatePath'),
};
checkTable({
  machine: pkixProoftype,
  spec: 'RFC 6120 §13.7.2, RFC 7712 §7',
  input: { stream: 1, sourceDomain: 'a.example', derivedDomains: [], certificate },
  events: pkixEvents,
  ways: { awaitingPath: [], proved: ['path valid'], refuted: ['path invalid'], undetermined: ['late'] },
  table: {
    awaitingPath: {
      'path valid': ['proved'],
      'path invalid': ['refuted'],
      'validator broken': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(pkixEvents),
    refuted: ended(pkixEvents),
    undetermined: ended(pkixEvents),
  },
});

const dialbackEvents = {
  'stream stands': done('openVerifyStream', { stream: 2, peerSha256: 'f'.repeat(64) }),
  'stream shows the same certificate': done('openVerifyStream', { stream: 2, peerSha256: certificate.sha256 }),
  'no stream': broken('openVerifyStream'),
  valid: done('askAuthoritativeServer', { type: 'valid' }),
  invalid: done('askAuthoritativeServer', { type: 'invalid' }),
  error: done('askAuthoritativeServer', { type: 'error', condition: 'item-not-found' }),
  'stream lost': broken('askAuthoritativeServer'),
};
checkTable({
  machine: dialbackProoftype,
  spec: 'XEP-0220 §2.2.1, XEP-0344 §2.6',
  input: { stream: 1, senderDomain: 'a.example', targetDomain: 'b.example', id: 'x', key: 'k', certificate },
  events: dialbackEvents,
  ways: {
    awaitingVerifyStream: [],
    awaitingVerifyAnswer: ['stream stands'],
    proved: ['stream shows the same certificate'],
    refuted: ['stream stands', 'invalid'],
    undetermined: ['no stream'],
  },
  table: {
    awaitingVerifyStream: {
      'stream stands': ['awaitingVerifyAnswer', 'spawn askAuthoritativeServer'],
      'stream shows the same certificate': ['proved'],
      'no stream': ['undetermined'],
      valid: '=',
      invalid: '=',
      error: '=',
      'stream lost': '=',
      late: ['undetermined'],
    },
    awaitingVerifyAnswer: {
      'stream stands': '=',
      'stream shows the same certificate': '=',
      'no stream': '=',
      valid: ['proved'],
      invalid: ['refuted'],
      error: ['refuted'],
      'stream lost': ['undetermined'],
      late: ['undetermined'],
    },
    proved: ended(dialbackEvents),
    refuted: ended(dialbackEvents),
    undetermined: ended(dialbackEvents),
  },
});
