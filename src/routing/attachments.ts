/** The local side: which outlet is attached to which of our domains, and what happens where there is none. */
import { Subject, type Observable } from 'rxjs';
import type { Flushed } from '../ports.ts';
import { fault, FaultError } from '../protocol/faults.ts';
import { canonicalDomain } from '../protocol/names.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { BackPressure } from './back-pressure.ts';
import type { Counters, Returns } from './returns.ts';
import type { DomainNumbers } from './tables/domain-numbers.ts';
import type { Inlet, Settle, StreamOutlet } from './types.ts';
import type { Writer } from './writer.ts';

export interface AttachmentParts {
  /** Whether a domain is ours; the answer never changes. */
  readonly isLocal: (domain: string) => boolean;
  /** The numbers of our domains. */
  readonly numbers: DomainNumbers;
  readonly writer: Writer;
  readonly pressure: BackPressure;
  readonly returns: Returns;
  readonly counters: Counters;
}

/** Where stanzas for a domain go. */
export interface Place {
  readonly outlet: StreamOutlet | undefined;
  readonly isOurs: boolean;
}

export class Attachments {
  readonly #parts: AttachmentParts;
  readonly #outlets = new Map<string, StreamOutlet>();
  /** Cache by the domain's number; an entry is cleared when something is attached or detached. */
  readonly #places: (Place | undefined)[] = [];
  readonly #unattended = new Subject<Stanza>();
  readonly unattended$: Observable<Stanza> = this.#unattended.asObservable();

  constructor(parts: AttachmentParts) {
    this.#parts = parts;
  }

  get domains(): string[] {
    return [...this.#outlets.keys()];
  }

  outletOf(domain: string): StreamOutlet | undefined {
    return this.#outlets.get(domain);
  }

  /** The place of a domain, by its number. */
  placeOf(number: number): Place {
    const known = this.#places[number];
    if (known !== undefined) return known;
    const name = this.#parts.numbers.nameOf(number);
    const place = { outlet: this.#outlets.get(name), isOurs: this.isOurs(name) };
    while (this.#places.length < number) this.#places.push(undefined); // an array with holes is slow
    this.#places[number] = place;
    return place;
  }

  isOurs(domain: string): boolean {
    return this.#parts.isLocal(domain);
  }

  attach(domains: readonly string[], outlet: StreamOutlet): () => void {
    const names = new Set(domains.map((domain) => this.#freeName(domain)));
    for (const name of names) this.#place(name, outlet);
    let attached = true;
    return () => {
      if (!attached) return;
      attached = false;
      for (const name of names) this.#place(name, undefined);
      this.#parts.pressure.release(outlet);
    };
  }

  /** Writes to an attached outlet, and holds `inlet` if that filled the outlet. */
  deliver(outlet: StreamOutlet, stanza: Stanza, inlet: Inlet | null): void {
    this.#parts.writer.write(outlet, stanza, this.#flushed);
    this.#parts.counters.delivered += 1;
    if (inlet !== null && !outlet.writable) this.#parts.pressure.hold(inlet, outlet);
  }

  /**
   * For a domain of ours without an outlet: true if the program observes {@link unattended$}; otherwise the stanza is
   * returned and `answer` gets the stanza error.
   */
  leaveUnattended(stanza: Stanza, settle: Settle | null, answer: (reply: Stanza) => void): boolean {
    this.#parts.counters.unattended += 1;
    if (this.#unattended.observed) {
      this.#unattended.next(stanza);
      return true;
    }
    const why = fault('policy', 'service-unavailable', 'local', 'nobody is attached to this domain');
    this.#parts.returns.giveBack(stanza, why, 'service-unavailable', settle, answer);
    return false;
  }

  /** Delivers a stanza error to its local addressee; one for any other addressee is dropped. */
  readonly deliverReply = (reply: Stanza): void => {
    const to = reply.toDomain;
    if (to === null) return;
    const outlet = this.#outlets.get(to);
    if (outlet !== undefined) this.#parts.writer.write(outlet, reply, this.#flushed);
    else if (this.#parts.isLocal(to)) this.#unattended.next(reply);
  };

  /**
   * Called by outlets that can break with bytes in their buffer; one shared function, so that none is created per
   * stanza.
   */
  readonly #flushed: Flushed = (handedOver) => {
    if (!handedOver) this.#parts.counters.unknown += 1;
  };

  /**
   * Gives the domain a number from now on, so that a look-up by number finds the outlet even before any pair has put
   * the domain into the tables.
   */
  #place(name: string, outlet: StreamOutlet | undefined): void {
    const { numbers } = this.#parts;
    if (outlet === undefined) this.#outlets.delete(name);
    else this.#outlets.set(name, outlet);
    const number = numbers.numberOf(name) ?? numbers.hold(name);
    if (number < this.#places.length) this.#places[number] = undefined;
  }

  #freeName(domain: string): string {
    const name = canonicalDomain(domain);
    if (name === null) throw new TypeError(`not a domain: ${domain}`);
    if (!this.#parts.isLocal(name)) throw new TypeError(`not a hosted domain: ${domain}`);
    if (!this.#outlets.has(name)) return name;
    throw new FaultError(fault('component', 'conflict', 'peer', `${name} is attached already`));
  }
}
