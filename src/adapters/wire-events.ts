/** The peer's elements, as events of the stream machines. */
import type { EventObject } from 'xstate';
import type { DialbackKeys } from '../protocol/dialback.ts';
import { fault } from '../protocol/faults.ts';
import { canonicalDomain } from '../protocol/names.ts';
import type { WireElement } from '../protocol/wire.ts';
import { dnaEventOf } from './dna-events.ts';

type WireEvent = EventObject & Record<string, unknown>;
type KeyCheck = Pick<DialbackKeys, 'matches'>;

/**
 * The event by which the stream machines learn of an element.
 * @param keys checks the dialback key of a verification request here, so that no key enters a machine
 */
export function eventOf(wire: WireElement, keys: KeyCheck): WireEvent {
  switch (wire.kind) {
    case 'features':
      return { type: 'peer.featuresReceived', features: wire };
    case 'starttls':
      return { type: 'peer.startTlsRequested' };
    case 'proceed':
      return { type: 'peer.proceedReceived' };
    case 'starttlsFailure':
      return { type: 'peer.startTlsRefused' };
    case 'auth':
      return { type: 'peer.authRequested', mechanism: wire.mechanism, initialResponse: wire.initialResponse };
    case 'challenge':
      return { type: 'peer.saslChallenged' };
    case 'response':
      return { type: 'peer.saslResponded', data: wire.data };
    case 'abort':
      return { type: 'peer.saslAborted' };
    case 'success':
      return { type: 'peer.saslSucceeded' };
    case 'saslFailure':
      return { type: 'peer.saslFailed', condition: wire.condition, text: wire.text };
    case 'bidi':
      return { type: 'peer.bidiRequested' };
    case 'streamError':
      return { type: 'peer.streamErrorReceived', condition: wire.condition, text: wire.text };
    case 'result':
    case 'verify':
      return dialbackEventOf(wire, keys);
    case 'dnaAssert':
    case 'dnaChallenge':
    case 'dnaProof':
    case 'dnaImpossible':
    case 'dnaValid':
    case 'dnaInvalid':
      return dnaEventOf(wire);
    case 'streamHeader':
    case 'unsupported':
      return { type: 'peer.unsupportedReceived', name: wire.kind === 'unsupported' ? wire.name : 'stream' };
  }
}

function dialbackEventOf(wire: Extract<WireElement, { kind: 'result' | 'verify' }>, keys: KeyCheck): WireEvent {
  const from = canonicalDomain(wire.from);
  const to = canonicalDomain(wire.to);
  if (from === null || to === null) {
    const text = `db:${wire.kind} from '${wire.from}' to '${wire.to}'`;
    return { type: 'transport.inputRefused', fault: fault('stream', 'improper-addressing', 'peer', text) };
  }
  const { answer, key } = wire;
  if (wire.kind === 'result') {
    return answer === null
      ? { type: 'peer.resultRequested', from, to, key: key ?? '' }
      : { type: 'peer.resultAnswered', from, to, answer };
  }
  if (answer !== null) return { type: 'peer.verifyAnswered', from, to, id: wire.id, answer };
  // `from`, the asker, is the domain that received the key; `to` is the domain that sent it (XEP-0220 §2.2).
  return {
    type: 'peer.verifyRequested',
    from,
    to,
    id: wire.id,
    keyMatches: keys.matches(key ?? '', from, to, wire.id),
  };
}
