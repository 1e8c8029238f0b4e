/** The accepting side of one component's stream, from its header to its end (XEP-0114 §3). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { escapeXML, type Element } from '@xmpp/xml';
import { DrainWatch } from '../adapters/drain-watch.ts';
import { Framer, type FramerHandler, type StreamTag } from '../adapters/framer/framer.ts';
import type { Clock, Connection, ConnectionEvents, Random } from '../ports.ts';
import { fault, toFault, type Fault } from '../protocol/faults.ts';
import { canonicalDomain } from '../protocol/names.ts';
import { NS } from '../protocol/namespaces.ts';
import type { Stanza } from '../protocol/stanza.ts';
import { readWireElement, wireToXml } from '../protocol/wire-xml.ts';
import type { Router } from '../routing/router.ts';
import type { Inlet, StreamOutlet } from '../routing/types.ts';

/** The part of the data plane that a component stream needs. */
export type ComponentRouter = Pick<Router, 'attach' | 'inject' | 'outletDrained' | 'forgetInlet' | 'batch'>;

export interface ComponentLimits {
  /** Largest stanza, in bytes. */
  readonly stanzaBytes: number;
  /** Largest element before the handshake, in bytes. */
  readonly preAuthBytes: number;
  /** From accepting the connection to the handshake, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** How long a component may accept none of the bytes buffered for it, in milliseconds; then it is dropped. */
  readonly drainTimeoutMs: number;
  /** From our closing tag to the end of the connection, in milliseconds. */
  readonly closeTimeoutMs: number;
}

/** What happened to a component, for the operator. */
export type ComponentEvent =
  | { readonly kind: 'attached'; readonly domain: string; readonly remoteAddress: string }
  /** `fault` is null when the component closed its stream properly. */
  | { readonly kind: 'detached'; readonly domain: string; readonly remoteAddress: string; readonly fault: Fault | null }
  /** The stream ended before its handshake; `domain` is null when the component named none. */
  | { readonly kind: 'refused'; readonly domain: string | null; readonly remoteAddress: string; readonly fault: Fault };

export interface ComponentStreamSetup {
  readonly connection: Connection;
  /** Component domain to shared secret. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly limits: ComponentLimits;
  readonly router: ComponentRouter;
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: (event: ComponentEvent) => void;
  /** The handshake has succeeded or failed: the stream no longer counts as pending. Called once. */
  readonly settled: () => void;
  /** Called once, last. */
  readonly ended: () => void;
}

/**
 * `awaitingHeader` and `awaitingHandshake` wait for the component under one deadline; `attached` carries stanzas;
 * `closing` sends nothing more and waits for the connection to end, also under a deadline.
 */
type State = 'awaitingHeader' | 'awaitingHandshake' | 'attached' | 'closing' | 'closed';

const withoutTag = fault('component', 'connection-closed', 'peer', 'the connection ended without a closing tag');

/** Random bytes in a stream id, which is the challenge of the handshake. */
const STREAM_ID_BYTES = 16;

export class ComponentStream implements ConnectionEvents, FramerHandler {
  readonly #setup: ComponentStreamSetup;
  readonly #framer: Framer;
  readonly #id: string;
  readonly #inlet: Inlet;
  readonly #outlet: StreamOutlet;
  readonly #drainWatch: DrainWatch;
  #state: State = 'awaitingHeader';
  #domain: string | null = null;
  #headerSent = false;
  #detach: (() => void) | null = null;
  #deadline: unknown;
  #draining = false;

  constructor(setup: ComponentStreamSetup) {
    const { connection, limits, random, clock } = setup;
    this.#setup = setup;
    this.#id = random.hex(STREAM_ID_BYTES);
    this.#framer = new Framer(this, { elementBytes: limits.preAuthBytes });
    this.#inlet = {
      pause: () => connection.pause(),
      resume: () => {
        if (!this.#draining) connection.resume();
      },
    };
    const drainWatch = new DrainWatch({
      connection,
      clock,
      drainMs: limits.drainTimeoutMs,
      stuck: (bufferedBytes) => this.#drop(bufferedBytes),
    });
    this.#drainWatch = drainWatch;
    this.#outlet = {
      contentNamespace: NS.component,
      get writable() {
        return connection.writable;
      },
      write: (bytes, flushed) => {
        connection.write(bytes, flushed);
        drainWatch.wrote(bytes.length);
      },
      cork: () => connection.cork(),
      uncork: () => connection.uncork(),
    };
    const late = fault('component', 'connection-timeout', 'peer', 'no handshake within its time');
    this.#deadline = clock.setTimeout(() => this.#close(late), limits.handshakeTimeoutMs);
  }

  /** Accepts no more stanzas from the component; those for it still go out. */
  drain(): void {
    this.#draining = true;
    this.#setup.connection.pause();
  }

  /** Ends the stream because we shut down (RFC 6120 §4.9.3.20). */
  shutdown(): void {
    this.#close(fault('component', 'system-shutdown', 'local', 'this server shuts down'));
  }

  // ——— connection

  connected(): void {
    // Called only for connections that we open.
  }

  secured(): void {
    this.#close(fault('component', 'unsupported-feature', 'peer', 'XEP-0114 has no TLS'));
  }

  /** A whole chunk is one router batch, so that it becomes one write on each socket. */
  data(bytes: Buffer): void {
    this.#setup.router.batch(() => this.#framer.push(bytes));
  }

  drained(): void {
    this.#drainWatch.drained();
    this.#setup.router.outletDrained(this.#outlet);
  }

  /** The component accepts nothing more; the senders of later stanzas to it must be notified (L1). */
  ended(): void {
    if (this.#state !== 'attached') return;
    this.#leave(withoutTag);
    this.#state = 'closing';
  }

  closed(why: Fault | null): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'closing') this.#leave(why ?? withoutTag);
    this.#state = 'closed';
    this.#setup.clock.clearTimeout(this.#deadline);
    this.#setup.ended();
  }

  // ——— framer

  streamOpened(tag: StreamTag): void {
    const to = tag.attributes['to'] ?? tag.attributes['from'];
    this.#domain = to === undefined ? null : canonicalDomain(to);
    if (tag.contentNamespace !== NS.component) {
      this.#refuse('invalid-namespace', `expected the namespace ${NS.component}`);
    } else if (this.#domain === null || !this.#setup.secrets.has(this.#domain)) {
      this.#refuse('host-unknown', `no component ${to ?? ''} is configured here`);
    } else {
      this.#sendHeader();
      this.#state = 'awaitingHandshake';
    }
  }

  element(element: Element): void {
    const read = readWireElement(element);
    if (read.kind === 'streamError') {
      const text = read.text ?? 'the component ended its stream with this error';
      this.#close(fault('component', read.condition, 'peer', text), 'wordless');
    } else if (this.#state === 'awaitingHandshake' && element.is('handshake', NS.component)) {
      this.#decideHandshake(element.getText());
    } else {
      const condition = this.#state === 'attached' ? 'unsupported-stanza-type' : 'not-authorized';
      this.#refuse(condition, `<${element.getName()}/> has no place here`);
    }
  }

  stanza(stanza: Stanza): void {
    const from = stanza.fromDomain;
    if (this.#state !== 'attached') {
      this.#refuse('not-authorized', 'a stanza before the handshake');
    } else if (from !== this.#domain) {
      this.#refuse('invalid-from', `a stanza from ${from ?? 'nobody'} on the stream of ${this.#domain ?? 'nobody'}`);
    } else {
      this.#setup.router.inject(stanza, this.#inlet);
    }
  }

  streamClosed(): void {
    this.#close(null);
  }

  fault(what: Fault): void {
    this.#close({ ...what, layer: 'component' });
  }

  // ——— decisions

  #decideHandshake(digest: string): void {
    const { router, secrets, limits, connection, clock, tell, settled } = this.#setup;
    const domain = this.#domain ?? '';
    if (!this.#digestMatches(digest.trim(), secrets.get(domain) ?? '')) {
      this.#refuse('not-authorized', 'the handshake does not fit the secret');
      return;
    }
    try {
      this.#detach = router.attach([domain], this.#outlet);
    } catch (error) {
      this.#close(toFault(error, 'component'));
      return;
    }
    this.#state = 'attached';
    clock.clearTimeout(this.#deadline);
    this.#framer.setElementLimit(limits.stanzaBytes);
    connection.write('<handshake/>');
    settled();
    tell({ kind: 'attached', domain, remoteAddress: connection.remoteAddress });
  }

  /** Compared in constant time, through hashes of equal length. */
  #digestMatches(digest: string, secret: string): boolean {
    const expected = createHash('sha1').update(`${this.#id}${secret}`).digest('hex');
    const blind = (text: string): Buffer => createHash('sha256').update(text).digest();
    return timingSafeEqual(blind(digest), blind(expected));
  }

  #refuse(condition: string, text: string): void {
    this.#close(fault('component', condition, 'peer', text));
  }

  /** Sends the stream error, if the component does not know it yet, and the closing tag; then ends the connection. */
  #close(why: Fault | null, manner: 'saying why' | 'wordless' = 'saying why'): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const { connection, clock, limits } = this.#setup;
    this.#leave(why);
    this.#state = 'closing';
    this.#framer.halt();
    this.#sendHeader(); // RFC 6120 §4.9.1.2: required even before an error
    if (why !== null && manner === 'saying why') {
      connection.write(wireToXml({ kind: 'streamError', condition: why.condition, text: why.text ?? null }));
    }
    connection.write('</stream:stream>');
    connection.end();
    clock.clearTimeout(this.#deadline);
    this.#deadline = clock.setTimeout(() => connection.destroy(), limits.closeTimeoutMs);
  }

  /** The component has stopped reading: no stream error would reach it, and everyone who writes to it is blocked. */
  #drop(bufferedBytes: number): void {
    const { connection, limits } = this.#setup;
    const text = `it took nothing for ${limits.drainTimeoutMs / 1000} s; ${bufferedBytes} bytes are lost`;
    const why = fault('component', 'connection-timeout', 'peer', text);
    this.#framer.halt();
    this.#leave(why);
    this.#state = 'closing';
    connection.destroy(why);
  }

  /** Ends writing to and reading from the component, and notifies the router and the listener. */
  #leave(why: Fault | null): void {
    const { router, connection, tell, settled } = this.#setup;
    const { remoteAddress } = connection;
    if (this.#detach === null) {
      settled();
      const told = why ?? fault('component', 'not-authorized', 'peer', 'it closed its stream before the handshake');
      tell({ kind: 'refused', domain: this.#domain, remoteAddress, fault: told });
      return;
    }
    this.#drainWatch.stop();
    this.#detach();
    this.#detach = null;
    router.forgetInlet(this.#inlet);
    tell({ kind: 'detached', domain: this.#domain ?? '', remoteAddress, fault: why });
  }

  #sendHeader(): void {
    if (this.#headerSent) return;
    this.#headerSent = true;
    // XEP-0114 §3: no version, so no features follow. RFC 6120 §4.9.1.3: `from` is empty for a domain that is not ours.
    const from = this.#domain !== null && this.#setup.secrets.has(this.#domain) ? this.#domain : '';
    this.#setup.connection.write(
      `<?xml version='1.0'?><stream:stream xmlns='${NS.component}' xmlns:stream='${NS.streams}' ` +
        `from='${escapeXML(from)}' id='${this.#id}'>`,
    );
  }
}
