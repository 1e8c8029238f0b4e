/** The transport for the streams of a check: that of the daemon, without a data plane behind it. */
import { limits } from '../../machines/limits.ts';
import type { StreamId } from '../../machines/events.ts';
import type { TransportPorts } from '../adapters/transport.ts';
import { limitsFrom } from '../options.ts';
import type { CertificateChain, Ports } from '../ports.ts';
import { dialbackKeys } from '../protocol/dialback.ts';
import { fault, type Fault } from '../protocol/faults.ts';
import type { WireElement } from '../protocol/wire.ts';
import type { CheckQuestion } from './question.ts';

/** Callbacks for what comes through the transport besides the events for the chart. */
export interface TransportEars {
  readonly chainPresented: (stream: StreamId, chain: CertificateChain | null) => void;
  readonly stanzaCame: (stream: StreamId, why: Fault) => void;
  readonly onWire: (stream: StreamId, direction: 'in' | 'out', element: WireElement, bytes: number) => void;
  readonly saslFailed: (stream: StreamId, why: Fault) => void;
}

const noStanzas = fault('stream', 'policy-violation', 'peer', 'a stanza came before any domain was admitted');

export function checkTransport(
  { network, clock, random }: Pick<Ports, 'network' | 'clock' | 'random'>,
  { authentication }: Pick<CheckQuestion, 'authentication'>,
  ears: TransportEars,
): TransportPorts {
  const nothing = (): void => undefined;
  const { stanzaBytes, preAuthBytes } = limitsFrom();
  return {
    network,
    clock,
    random,
    keys: dialbackKeys(authentication?.dialbackSecret ?? random.hex(32)),
    plane: {
      addStream: nothing,
      arrived: (stream) => {
        ears.stanzaCame(stream, noStanzas);
        return false;
      },
      batchStart: nothing,
      batchEnd: nothing,
      streamDrained: nothing,
      streamFinished: nothing,
    },
    accepted: () => null,
    credentialFor: () => authentication?.credential ?? null,
    chainPresented: ears.chainPresented,
    onWire: (stream, direction, element, bytes) => {
      ears.onWire(stream, direction, element, bytes);
      if (direction !== 'in' || element.kind !== 'saslFailure') return;
      ears.saslFailed(stream, fault('sasl', element.condition, 'peer', element.text ?? undefined));
    },
    stanzaBytes,
    preAuthBytes,
    idleMs: limits.idleMs,
    drainMs: limits.drainMs,
    bytesPerSecond: Infinity,
    slowed: nothing,
  };
}
