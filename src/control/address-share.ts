/** What a stranger makes us look up, so much at once: the queues behind it serve whoever comes first, and hold others as well. */
import type { StreamId } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import { addressBlock } from '../protocol/addresses.ts';
import { fault, FaultError, type FaultLayer } from '../protocol/faults.ts';
import { Turns } from './turns.ts';

export interface AddressShareOptions {
  /** Of all addresses together; each in its turn. */
  readonly atOnce: number;
  /** At once, on behalf of one address. */
  readonly perAddress: number;
  /** The address at the far end of a stream that it opened; null where we did. */
  readonly openedFrom: (stream: StreamId) => string | null;
}

export interface AddressShareQuestion {
  readonly stream: StreamId;
  readonly purpose: 'stanzas' | 'verification';
  /** Of the fault that a look-up too many ends with. */
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

  /** Looks up as soon as it is the turn of the address that brought the question; what we ask for ourselves waits for nobody. */
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
      signal.throwIfAborted(); // meanwhile: an abort does not take back a turn that was given
      return await unlessAborted(lookUp(), signal);
    } finally {
      this.#turns.release(party);
    }
  }
}

const tooMany = (layer: FaultLayer) =>
  fault(layer, 'resource-constraint', 'local', 'too many look-ups of this address wait already');

/** A port of the embedder's that does not heed its signal must not keep the turn for ever. */
function unlessAborted<Found>(found: Promise<Found>, signal: AbortSignal): Promise<Found> {
  return new Promise((resolve, reject) => {
    const abandoned = (): void => reject(new Error('nobody waits for it any more', { cause: signal.reason }));
    signal.addEventListener('abort', abandoned, { once: true });
    void found.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandoned));
  });
}
