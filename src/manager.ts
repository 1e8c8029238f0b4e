/**
 * The connection manager: the public API over the registry, the data plane and the listeners. It holds no protocol
 * logic.
 */
import type { Element } from '@xmpp/xml';
import type { Observable } from 'rxjs';
import { entriesOf, setOf, tableFrom } from '../machines/collections/growing-table.ts';
import { limits } from '../machines/limits.ts';
import type { StreamId } from '../machines/events.ts';
import { LruMap } from './adapters/lru.ts';
import { PerAddress, RatePerAddress } from './adapters/per-address.ts';
import { unheard } from './adapters/unheard.ts';
import { makeEffects } from './control/effects.ts';
import { observedPorts } from './control/observed-ports.ts';
import { type Connecting, Operator } from './control/operator.ts';
import { limitsFrom, type ManagerOptions, MIN_SECRET_CHARACTERS, proofsFrom, traceFrom } from './options.ts';
import type { ConnectionEvents, Credential, Listening, ListenOptions, Ports } from './ports.ts';
import { addressBlock } from './protocol/addresses.ts';
import { dialbackKeys } from './protocol/dialback.ts';
import type { DnaProofs } from './protocol/dna.ts';
import { fault, type Fault } from './protocol/faults.ts';
import { credentialOf, replaceCredentials } from './protocol/hosts.ts';
import { canonicalDomain } from './protocol/names.ts';
import { NS } from './protocol/namespaces.ts';
import { canonicalPolicy, type PolicyOptions } from './protocol/policy.ts';
import { isDnaProofType } from './protocol/proof.ts';
import { Stanza } from './protocol/stanza.ts';
import { prooftypesFrom } from './prooftype.ts';
import { Registry } from './control/registry.ts';
import { Router } from './routing/router.ts';
import type { Stage } from './control/standing-streams.ts';
import type { Delivery, Outlet, RouterCounters, RouterSnapshot, RouterTotals } from './routing/types.ts';
import { type ReportRecord, type TraceRecord, withoutKeys } from './trace/record.ts';
import type { View } from './trace/view/view.ts';

/** One stream, as {@link ConnectionManager.snapshot} shows it. */
export interface StreamView {
  readonly id: StreamId;
  readonly role: 'initiating' | 'receiving';
  readonly local: string;
  readonly remote: string;
  /**
   * How far the stream has come, as the registry sees it: `opening`; `verifiable`: dialback verification requests may
   * be sent on it; `established`: dialback assertions too; `closing`: nothing more. It only moves forwards. This is not
   * the state of the stream's chart: for that, see `records$`.
   */
  readonly state: Stage;
  readonly tls: string | null;
  readonly bidi: boolean;
  readonly proofs: readonly { readonly domain: string; readonly prooftype: string; readonly strength: string }[];
}

export interface ManagerSnapshot {
  readonly streams: readonly StreamView[];
  readonly actors: { readonly streams: number; readonly pairs: number; readonly peers: number };
  readonly tables: RouterSnapshot;
}

/** Counts of everything the manager holds. */
export interface ManagerTotals extends RouterTotals {
  readonly streams: readonly (Pick<StreamView, 'role' | 'tls'> & { readonly stage: Stage })[];
  readonly actors: ManagerSnapshot['actors'];
  readonly stanzas: RouterCounters;
  /** Trace records dropped from memory to make room for newer ones. */
  readonly recordsLost: number;
}

export interface ListeningAt {
  readonly address: string;
  readonly port: number;
  readonly tls: ListenOptions['tls'];
}

/**
 * The part of the data plane for code that attaches local domains to it: components, and anything similar that an
 * embedder writes. Tables and streams belong to the manager alone.
 */
export type LocalRouting = Pick<
  Router,
  'attach' | 'attachedTo' | 'inject' | 'batch' | 'outletDrained' | 'forgetInlet' | 'counters' | 'returned$'
>;

/**
 * A provider that restarts opens all its streams at once, so a burst of this many seconds' worth of connections is
 * allowed.
 */
const ARRIVALS_SECONDS = 10;
/** Refused connections from one address are reported at most once in this time, in milliseconds. */
const REFUSAL_QUIET_MS = 60_000;
/** Addresses for which the time of the last such report is remembered. */
const MOST_REFUSALS = 1_000;

/**
 * Decides which domains belong to which streams (RFC 7712) and carries stanzas between them.
 *
 * No state is shared between instances (except scratch memory of the framer, which nothing relies on), so any number of
 * managers can live in one process. Everything from outside comes in through `ports`.
 */
export class ConnectionManager {
  readonly #options: ManagerOptions;
  readonly #ports: Ports;
  readonly #registry: Registry;
  readonly #router: Router;
  readonly #operator: Operator;
  readonly #hosted: Map<string, Credential | null>;
  /** By hosted domain: the proofs of delegation that it can show. */
  readonly #proofs: Map<string, DnaProofs>;
  /** The embedder's own prooftypes, by name. */
  readonly #ownProoftypes: ReturnType<typeof prooftypesFrom>;
  /** Open incoming connections, by the address that opened them. */
  readonly #places = new PerAddress(limits.streamsPerAddress);
  readonly #arrivals: RatePerAddress;
  /** By address; for IPv6, by /64. */
  readonly #refusalsToldMs = new LruMap<string, number>(MOST_REFUSALS);
  #started = false;
  #stopped: Promise<void> | null = null;
  #listening: { readonly at: ListeningAt; readonly handle: Listening }[] = [];

  /** Hot. Stanzas for hosted domains to which nothing else is attached. Subscribing attaches the embedding program. */
  readonly stanzas$: Observable<Stanza>;
  /** Hot. Reports of streams, pairs and peers: opened, proved, refused, closed. */
  readonly reports$: Observable<ReportRecord>;
  /** Hot. Every step of the manager, as it happens; subscribe before `start` to see all of them. */
  readonly records$: Observable<TraceRecord>;

  /**
   * Creates a manager; nothing is opened before {@link start}.
   *
   * The same hosts are passed here and to `createNodePorts`: here they say which domains are served, there which
   * certificate a handshake shows to a peer that names one of them.
   * @throws TypeError when a host is not a domain or is listed twice, when the policy, a prooftype or a limit is
   *   invalid, or when the dialback secret is too short
   */
  constructor(options: ManagerOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
    this.#hosted = canonicalHosts(options.hosts);
    this.#proofs = proofsFrom(options.proofs ?? {}, this.#hosted);
    const prooftypes = prooftypesFrom(options.prooftypes ?? {});
    this.#ownProoftypes = prooftypes;
    const secret = options.dialback?.secret ?? ports.random.hex(32);
    if (secret.length < MIN_SECRET_CHARACTERS)
      throw new TypeError(`dialback.secret: at least ${MIN_SECRET_CHARACTERS} characters are needed`);
    const bounds = limitsFrom(options.limits);
    const perSecond = bounds.connectionsPerSecond;
    this.#arrivals = new RatePerAddress({ perSecond, most: ARRIVALS_SECONDS * perSecond });
    const { clock, network, random } = ports;

    this.#router = new Router({
      queueStanzas: bounds.queueStanzas,
      queueBytes: bounds.queueBytes,
      queueAgeMs: limits.routeMs + 10_000,
      clock,
      isLocal: (domain) => this.#hosted.has(domain),
      events: {
        routeWanted: (local, remote) => this.#registry.routeWanted(local, remote),
        refused: (stream, what, pair) => this.#registry.stanzaRefused(stream, what, pair),
        coversPair: (stream, from, to) => this.#registry.coversPair(stream, from, to),
        queueChanged: (edge) =>
          this.#registry.recorder.record(`pair:${edge.local}>${edge.remote}`, { kind: 'queue', ...edge }),
      },
    });
    const policy = canonicalPolicy(options.policy ?? {}, this.#ownProoftypes);
    this.#registry = new Registry({
      settings: {
        hosted: setOf(new Set(this.#hosted.keys())),
        policy,
        bidi: options.bidi ?? true,
        material: { secureDns: ports.resolver.validates, posh: ports.posh !== undefined },
        dna: {
          checks: ports.dnaProofs !== undefined || [...this.#ownProoftypes.keys()].some(isDnaProofType),
          proofs: tableFrom(this.#proofs),
        },
      },
      router: this.#router,
      clock,
      random,
      posh: ports.posh ?? null,
      trace: traceFrom(options.trace),
      effects: (registry) =>
        makeEffects(
          observedPorts(ports, registry.recorder),
          {
            network,
            clock,
            random,
            keys: dialbackKeys(secret),
            plane: this.#router,
            accepted: (stream) => registry.takeAccepted(stream),
            credentialFor: (local, stream) => {
              const credential = this.credentialFor(local);
              registry.certificates.local(stream, credential);
              return credential;
            },
            chainPresented: (stream, chain, leaf) => {
              const row = registry.streams.get(stream);
              if (row !== undefined) row.chain = chain;
              registry.certificates.remote(stream, leaf, chain?.der.length ?? 0);
            },
            counted: (stream, bytes) => {
              const row = registry.streams.get(stream);
              if (row !== undefined) row.bytes = bytes;
            },
            onWire: (stream, direction, element, bytes) => {
              if (!registry.recorder.isOn) return;
              if (direction === 'in') registry.attempts.heard(stream, element);
              registry.recorder.record(`stream:${stream}`, {
                kind: 'wire',
                direction,
                element: withoutKeys(element),
                bytes,
              });
            },
            stanzaBytes: bounds.stanzaBytes,
            preAuthBytes: bounds.preAuthBytes,
            idleMs: limits.idleMs,
            drainMs: limits.drainMs,
            bytesPerSecond: bounds.bytesPerSecond,
            slowed: (stream) => {
              const report = { type: 'stream.slowed', stream };
              registry.recorder.record(`stream:${stream}`, { kind: 'report', report });
            },
          },
          registry,
          prooftypes,
        ),
    });
    this.#operator = new Operator({
      registry: this.#registry,
      router: this.#router,
      policy,
      isHosted: (domain) => this.#hosted.has(domain),
    });
    this.reports$ = this.#registry.recorder.reports$.asObservable();
    this.records$ = this.#registry.recorder.records$.asObservable();
    this.stanzas$ = this.#router.unattended$;
  }

  /** The data plane, for code that attaches components to it. */
  get router(): LocalRouting {
    return this.#router;
  }

  /** The addresses it listens on; where port 0 was requested, with the port that the system assigned. */
  get listening(): readonly ListeningAt[] {
    return this.#listening.map(({ at }) => at);
  }

  /**
   * Opens the listeners. A manager is started once: after {@link stop}, create another. Rejects with FaultError `tcp`
   * when a listener cannot be opened; then none is left open, and `start` may be called again.
   * @throws Error when it was started or stopped before
   */
  async start(): Promise<void> {
    if (this.#started || this.#isStopped()) throw new Error('a manager is started once; make another');
    this.#started = true;
    try {
      for (const one of this.#options.listen ?? []) {
        const options: ListenOptions = { ...one, tls: one.tls ?? 'detect' };
        const handle = await this.#ports.network.listen(options, ({ connection, directTls }) => {
          let listener: ConnectionEvents | null = null;
          const { remoteAddress } = connection;
          const refusal = this.#refusalOf(remoteAddress);
          if (refusal !== null) {
            this.#recordRefused(remoteAddress, refusal);
            connection.destroy();
            return unheard;
          }
          this.#registry.accept({ connection, directTls, listen: (events) => (listener = events) });
          return {
            connected: () => undefined,
            data: (bytes) => listener?.data(bytes),
            secured: (session) => listener?.secured(session),
            drained: () => listener?.drained(),
            closed: (what) => {
              this.#places.release(remoteAddress);
              listener?.closed(what);
            },
          };
        });
        this.#listening.push({ at: { address: handle.address, port: handle.port, tls: options.tls }, handle });
      }
      if (this.#isStopped()) throw new Error('the manager was stopped while it started');
    } catch (error) {
      this.#started = false;
      await this.#stopListening();
      throw error;
    }
  }

  /**
   * Drains the manager: it accepts no new work, returns queued stanzas, closes every stream and waits for the peer's
   * closing tag, for at most `deadlineMs`. A second call returns the same promise.
   * @param deadlineMs in milliseconds @defaultValue 6000
   */
  stop(deadlineMs = limits.closeMs + 1_000): Promise<void> {
    this.#stopped ??= this.#drain(deadlineMs);
    return this.#stopped;
  }

  async #drain(deadlineMs: number): Promise<void> {
    await this.#stopListening();
    const why = fault('stream', 'system-shutdown', 'local', 'this server is shutting down');
    this.#router.close(why, 'remote-server-timeout');
    await this.#registry.drain(why, deadlineMs);
  }

  /**
   * Sends one stanza from a hosted domain; resolves with its outcome (invariant L1 in machines/SPEC.md). Never rejects
   * because of the network.
   * @throws TypeError when `stanza` is not a message, presence or iq
   */
  send(stanza: Stanza | Element): Promise<Delivery> {
    const ready = stanza instanceof Stanza ? stanza : Stanza.fromElement(stanza, NS.server);
    return new Promise((resolve) => this.#router.inject(ready, null, resolve));
  }

  /**
   * Sends stanzas for these hosted domains to `outlet` instead of {@link stanzas$}, until the returned function is
   * called. While the outlet is not writable, the streams that wrote to it are paused, and the manager sets no deadline
   * for that: see {@link Outlet}.
   * @throws TypeError when a domain is not hosted; FaultError `component`: `conflict` when it is attached already
   */
  attach(domains: readonly string[], outlet: Outlet): () => void {
    return this.#router.attach(domains, outlet);
  }

  /** The certificate of a hosted domain, or else that of its closest parent host. */
  credentialFor(domain: string): Credential | null {
    return credentialOf(this.#hosted, domain);
  }

  /**
   * Replaces the certificates of hosted domains. Streams opened from now on show the new ones; existing streams are
   * unchanged. The ports have to be updated too ({@link NodePorts.setCredentials}).
   * @throws TypeError when a domain is not hosted; then nothing is changed
   */
  setCredentials(hosts: ManagerOptions['hosts']): void {
    replaceCredentials(this.#hosted, hosts);
  }

  /**
   * Puts another policy in force, for live streams too: a stream is closed when it carries a pair that the new policy
   * would not admit. What is {@link blocked} stays blocked.
   * @throws TypeError naming the key when the policy has a mistake; then the previous policy stays in force
   */
  setPolicy(policy: PolicyOptions): void {
    this.#operator.setPolicy(canonicalPolicy(policy, this.#ownProoftypes));
  }

  /**
   * Opens what a stanza from `local` to `remote` would open, without sending a stanza. Does nothing when a stream
   * serves the pair already, or when the pair has failed and is held off.
   * @throws TypeError when `local` is not a hosted domain, or when `remote` is hosted or is not a domain; FaultError
   *   `policy`: `policy-violation` when policy denies `remote`; FaultError `stream`: `system-shutdown` once the manager
   *   is stopped
   */
  connect(local: string, remote: string): Connecting {
    return this.#operator.connect(local, remote);
  }

  /**
   * Ends the hold-off of a pair and of its remote domain now, and tries again. Returns false, and does nothing, when
   * neither is held off.
   * @throws the same errors as {@link connect}
   */
  retry(local: string, remote: string): boolean {
    return this.#operator.retry(local, remote);
  }

  /**
   * Blocks a remote domain and its subdomains: no stanza goes to or comes from them until it is unblocked or the
   * process restarts. It acts like an entry in `policy.deny`, in addition to those of whichever policy is in force.
   * Streams that carry such a domain are closed. Returns false when the domain is blocked already.
   * @throws TypeError when it is not a domain, or is a hosted one
   */
  block(domain: string): boolean {
    return this.#operator.block(domain);
  }

  /**
   * Undoes a {@link block}; a domain that the policy denies stays denied. Returns false when it was not blocked.
   * @throws TypeError when it is not a domain
   */
  unblock(domain: string): boolean {
    return this.#operator.unblock(domain);
  }

  /** The domains blocked by {@link block}. */
  get blocked(): readonly string[] {
    return this.#operator.blocked;
  }

  /**
   * Replaces the proofs of delegation of a hosted domain; they are shown to peers that challenge us for it from now on.
   * With null or no proofs there is nothing left to show, and peers that were shown one are notified (`<impossible/>`).
   * @throws TypeError when the domain is not hosted, or a proof cannot be shown
   */
  setProofs(domain: string, proofs: DnaProofs | null): void {
    const changed = proofsFrom({ [domain]: proofs ?? {} }, this.#hosted);
    this.#proofs.delete(canonicalDomain(domain) ?? domain);
    for (const [name, shown] of changed) this.#proofs.set(name, shown);
    this.#registry.showProofs(tableFrom(this.#proofs));
  }

  /**
   * Closes one stream; its pairs find another when they need one. The peer receives `why` as a stream error (RFC 6120
   * §4.9.3): its condition, or the nearest one that exists, and its text only when its origin is not `local`. Without
   * `why`, or when the network is at fault, the peer gets only the closing tag. Returns false when there is no such
   * stream.
   */
  closeStream(stream: StreamId, why: Fault | null = null): boolean {
    return this.#registry.closeStream(stream, why);
  }

  snapshot(): ManagerSnapshot {
    const streams = [...this.#registry.streams.rows()].map(({ id, initiating, context, stage }): StreamView => {
      const { local, remote, tls, negotiation, proved } = context();
      return {
        id,
        role: initiating ? 'initiating' : 'receiving',
        local,
        remote,
        state: stage,
        tls: tls?.protocol ?? null,
        bidi: negotiation.bidi,
        proofs: Object.entries(entriesOf(proved)).map(([domain, { prooftype, strength }]) => ({
          domain,
          prooftype,
          strength,
        })),
      };
    });
    return { streams, actors: this.#registry.liveActors, tables: this.#router.snapshot() };
  }

  /** Takes a place for a connection from this address, or returns why there is none. */
  #refusalOf(remoteAddress: string): string | null {
    if (!this.#arrivals.take(remoteAddress, this.#ports.clock.now())) return 'it opens them too fast';
    return this.#places.take(remoteAddress) ? null : `it has ${limits.streamsPerAddress} open already`;
  }

  /** At most once per `REFUSAL_QUIET_MS` and address: a flood of refusals must not displace other records. */
  #recordRefused(remoteAddress: string, text: string): void {
    const nowMs = this.#ports.clock.now();
    const block = addressBlock(remoteAddress);
    const toldMs = this.#refusalsToldMs.get(block);
    if (toldMs !== undefined && nowMs - toldMs < REFUSAL_QUIET_MS) return;
    this.#refusalsToldMs.set(block, nowMs);
    const why = fault('tcp', 'too-many-connections', 'peer', text);
    const report = { type: 'connection.refused', remoteAddress, fault: why };
    this.#registry.recorder.record('', { kind: 'report', report });
  }

  /** The counts of {@link snapshot}, which are cheaper to get, and the stanza counters. */
  totals(): ManagerTotals {
    const streams = Array.from(this.#registry.streams.rows(), ({ initiating, stage, context }) => ({
      role: initiating ? ('initiating' as const) : ('receiving' as const),
      stage,
      tls: context().tls?.protocol ?? null,
    }));
    const { ring } = this.#registry.recorder;
    return {
      streams,
      actors: this.#registry.liveActors,
      ...this.#router.totals(),
      stanzas: this.#router.counters,
      recordsLost: ring.lost,
    };
  }

  /**
   * What every stream, pair and peer is doing now and what it waits for, and the outcome of those that ended recently.
   * Read it in the same event loop turn: each actor is read only when it is asked for.
   */
  view(): View {
    return this.#registry.view([...this.#hosted.keys()]);
  }

  /** The domains of a stream's two ends, as far as its header has named them; null when the stream has ended. */
  partiesOf(stream: StreamId): { readonly local: string; readonly remote: string } | null {
    const context = this.#registry.streams.get(stream)?.context();
    return context === undefined ? null : { local: context.local, remote: context.remote };
  }

  /**
   * The attempts that are remembered and a snapshot of every live actor: a trace begins with these, so that it can be
   * replayed.
   */
  traceSnapshots(): readonly TraceRecord[] {
    return [...this.#registry.attempts.keep.all(), ...this.#registry.recorder.snapshots()];
  }

  #isStopped(): boolean {
    return this.#stopped !== null;
  }

  async #stopListening(): Promise<void> {
    const handles = this.#listening;
    this.#listening = [];
    await Promise.all(handles.map(({ handle }) => handle.close()));
  }
}

function canonicalHosts(hosts: ManagerOptions['hosts']): Map<string, Credential | null> {
  const canonical = new Map<string, Credential | null>();
  for (const [host, credential] of Object.entries(hosts)) {
    const domain = canonicalDomain(host);
    if (domain === null) throw new TypeError(`hosts: ${JSON.stringify(host)} is no domain`);
    if (canonical.has(domain))
      throw new TypeError(`hosts: ${JSON.stringify(host)} is there already, spelled otherwise`);
    canonical.set(domain, credential);
  }
  return canonical;
}
