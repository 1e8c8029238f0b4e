/**
 * Limits the look-ups that unproved peers cause at the same time: the queues behind them are first come, first served,
 * and shared with other users.
 */
import type { StreamId } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import { addressBlock } from '../protocol/addresses.ts';
import { fault, FaultError, type FaultLayer } from '../protocol/faults.ts';
import { Turns } from './turns.ts';

export interface AddressShareOptions {
  /** Look-ups at once for all addresses together; addresses take turns. */
  readonly atOnce: number;
  /** Look-ups at once on behalf of one address. */
  readonly perAddress: number;
  /** The peer's address on a stream that the peer opened; null on streams that we opened. */
  readonly openedFrom: (stream: StreamId) => string | null;
}

export interface AddressShareQuestion {
  readonly stream: StreamId;
  readonly purpose: 'stanzas' | 'verification';
  /** Layer of the fault when there are too many look-ups. */
  readonly layer: FaultLayer;
}

export class AddressShare {
  readonly #turns: Turns;
  readonly #openedFrom: AddressShareOptions['openedFrom'];

  constructor({ atOnce, perAddress, openedFrom }: AddressShareOptions) {
    const waitingPerParty = limits.waitingAssertionsPerAddress;
    this.#turns = new Turns({ atOnce, perParty: perAddress, waitingPerParty });
    this.#openedFrom = openedFrom;
  }

  /** Looks up when it is the turn of the address that brought the question; our own look-ups wait for nobody. */
  async use<Found>(
    { stream, purpose, layer }: AddressShareQuestion,
    lookUp: () => Promise<Found>,
    signal: AbortSignal,
  ): Promise<Found> {
    const address = purpose === 'verification' ? this.#openedFrom(stream) : null;
    if (address === null) return await lookUp();
    const party = addressBlock(address);
    if (this.#turns.isCrowded(party)) throw new FaultError(tooMany(layer));
    await this.#turns.take(party, signal);
    try {
      signal.throwIfAborted(); // aborted meanwhile: an abort does not return a turn that was already given
      return await unlessAborted(lookUp(), signal);
    } finally {
      this.#turns.release(party);
    }
  }
}

const tooMany = (layer: FaultLayer) =>
  fault(layer, 'resource-constraint', 'local', 'too many questions for this address are waiting already');

/** An embedder's port that ignores its signal must not keep the turn forever. */
function unlessAborted<Found>(found: Promise<Found>, signal: AbortSignal): Promise<Found> {
  return new Promise((resolve, reject) => {
    const abandoned = (): void => reject(new Error('nobody waits for it any more', { cause: signal.reason }));
    signal.addEventListener('abort', abandoned, { once: true });
    void found.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandoned));
  });
}
