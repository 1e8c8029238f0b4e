/**
 * Validated DNS through libunbound (RFC 4035 §4.9): its own thread asks and validates, this thread gets the answers. A
 * question is cancelled when its signal fires, and no question reaches C after `close`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { FaultError, fault } from '../../../protocol/faults.ts';
import { isRootAnchor, trustAnchorsIn } from '../../../protocol/trust-anchor.ts';
import { followAliases } from '../aliases.ts';
import { type Answer, CLASS_IN, type Question, RCODE, rcodeName, readAnswer, TYPE } from '../message.ts';
import type { NameSource, Outcome } from '../outcome.ts';
import { addressText, srvFields, tlsaRecord } from '../rdata.ts';
import { parseServer } from '../server-address.ts';
import { secondsSigned } from '../signature-expiry.ts';
import {
  type Callback,
  type Context,
  type Libunbound,
  loadLibunbound,
  readResult,
  registerCallback,
  type ResultPointer,
  unregisterCallback,
} from './library.ts';
import { Readiness } from './readiness.ts';

export interface UnboundOptions {
  /** Recursive servers to ask. @defaultValue those of the system (/etc/resolv.conf) */
  readonly servers?: readonly string[];
  /** Authoritative servers by zone, on any port: `{ example: '127.0.0.1@5399' }`. */
  readonly stubs?: Readonly<Record<string, string>>;
  /** DS or DNSKEY records in zone file format; one text may hold several. */
  readonly trustAnchors?: readonly string[];
  /** Files with the root's anchor, used when `trustAnchors` has none for the root. @defaultValue where Debian has it */
  readonly rootAnchorFiles?: readonly string[];
}

/**
 * The library's defaults, among them sixteen sockets, are for one question at a time. A cancelled question continues
 * inside it for a while, with up to a dozen queries: those of a hundred silent names must leave room for the others.
 */
const CAPACITY = {
  'outgoing-range:': '900',
  'num-queries-per-thread:': '2048',
  'outgoing-num-tcp:': '20',
} as const;

const ROOT_ANCHOR_FILES = ['/usr/share/dns/root.key', '/var/lib/unbound/root.key', '/etc/unbound/root.key'];
/** Most records taken from one answer, which may hold hundreds. */
const MAX_RECORDS = 256;
/** Answers read per event loop turn: two hundred may come at once, and each takes up to a tenth of a millisecond. */
const ANSWERS_PER_TURN = 10;

export interface UnboundSource extends NameSource {
  /** DNSKEY records of a zone, as RDATA (RFC 4034 §2.1). */
  dnskeys(name: string, stop: AbortSignal): Promise<Outcome<Buffer>>;
  /** Frees the context; waiting questions end as failed. */
  close(): void;
}

interface Waiter {
  readonly question: Question;
  settle(outcome: Outcome<Buffer>): void;
}

/** The arguments of a callback from libunbound, kept until their turn to be read. */
interface Heard {
  readonly mine: number;
  readonly error: number;
  readonly result: ResultPointer | null;
}

/**
 * @throws FaultError `dns`, local: `validator-unavailable` when there is no libunbound; `trust-anchor-malformed`;
 * `validator-misconfigured` when it refuses a server, a stub or a trust anchor.
 */
export function createUnboundSource(options: UnboundOptions = {}): UnboundSource {
  const session = new Session(loadLibunbound(), options);
  return {
    srv: async (name, stop) => parsed(await session.ask(name, TYPE.srv, stop), srvFields),
    addresses: async (host, family, stop) =>
      parsed(await session.ask(host, family === 4 ? TYPE.a : TYPE.aaaa, stop), addressText),
    tlsa: async (name, stop) => parsed(await session.ask(name, TYPE.tlsa, stop), tlsaRecord),
    dnskeys: async (name, stop) => parsed(await session.ask(name, TYPE.dnskey, stop), (rdata) => rdata),
    close: () => session.close(),
  };
}

/** One context of libunbound, and the questions that wait for its answers. */
class Session {
  readonly #library: Libunbound;
  readonly #context: Context;
  readonly #readiness: Readiness;
  readonly #callback: Callback;
  readonly #waiting = new Map<number, Waiter>();
  readonly #heard: Heard[] = [];
  #next = 1;
  #watches = false;
  #closed = false;

  constructor(library: Libunbound, options: UnboundOptions) {
    this.#library = library;
    this.#context = createContext(library, options);
    this.#readiness = new Readiness(library.ub_fd(this.#context));
    this.#callback = registerCallback((mine, error, result) => this.#heard.push({ mine, error, result }));
  }

  ask(name: string, type: number, stop: AbortSignal): Promise<Outcome<Buffer>> {
    if (this.#closed) return Promise.resolve(failed('the validator is closed'));
    if (stop.aborted) return Promise.resolve(failed(String(stop.reason)));
    const mine = this.#next;
    this.#next += 1;
    const id = new Int32Array(1);
    const library = this.#library;
    const error = library.ub_resolve_async(this.#context, name, type, CLASS_IN, mine, this.#callback, id);
    if (error !== 0) return Promise.resolve(failed(library.ub_strerror(error)));
    return new Promise((resolve) => {
      const giveUp = (): void => {
        library.ub_cancel(this.#context, id[0] ?? 0);
        this.#settle(mine, failed(String(stop.reason)));
        if (this.#waiting.size === 0) this.#readiness.wake();
      };
      stop.addEventListener('abort', giveUp, { once: true });
      this.#waiting.set(mine, {
        question: { name, type },
        settle: (outcome) => {
          stop.removeEventListener('abort', giveUp);
          resolve(outcome);
        },
      });
      void this.#watch();
    });
  }

  /** Ends all waiting questions as failed; the context is freed once no call of ours uses it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const mine of [...this.#waiting.keys()]) this.#settle(mine, failed('the validator is closed'));
    if (this.#watches) this.#readiness.wake();
    else this.#free();
  }

  /** Runs as long as questions are waiting. */
  async #watch(): Promise<void> {
    if (this.#watches) return;
    this.#watches = true;
    while (this.#waiting.size > 0 && !this.#isClosed()) {
      await this.#readiness.wait();
      if (!this.#isClosed()) this.#library.ub_process(this.#context);
      await this.#readAnswers();
    }
    this.#watches = false;
    if (this.#isClosed()) this.#free();
  }

  // A method, since the field may change during an `await`, which type narrowing of the field would not notice.
  #isClosed(): boolean {
    return this.#closed;
  }

  /** Spread over several event loop turns, so that other work does not wait for all of them. */
  async #readAnswers(): Promise<void> {
    for (;;) {
      for (const heard of this.#heard.splice(0, ANSWERS_PER_TURN)) this.#readAnswer(heard);
      if (this.#heard.length === 0) return;
      await turn();
    }
  }

  #readAnswer({ mine, error, result }: Heard): void {
    const question = this.#waiting.get(mine)?.question;
    if (question !== undefined) {
      const isResult = error === 0 && result !== null;
      this.#settle(mine, isResult ? outcomeOf(result, question) : failed(this.#library.ub_strerror(error)));
    }
    if (result !== null) this.#library.ub_resolve_free(result);
  }

  #settle(mine: number, outcome: Outcome<Buffer>): void {
    const waiter = this.#waiting.get(mine);
    this.#waiting.delete(mine);
    waiter?.settle(outcome);
  }

  #free(): void {
    this.#library.ub_ctx_delete(this.#context);
    unregisterCallback(this.#callback);
    this.#readiness.close();
  }
}

function createContext(library: Libunbound, options: UnboundOptions): Context {
  const { servers = [], stubs = {}, trustAnchors = [], rootAnchorFiles = ROOT_ANCHOR_FILES } = options;
  const context = library.ub_ctx_create();
  if (context === null) throw new FaultError(fault('dns', 'out-of-memory', 'local'));
  const check = (error: number, what: string): void => {
    if (error !== 0) throw misconfigured(`${what}: ${library.ub_strerror(error)}`);
  };
  try {
    check(library.ub_ctx_async(context, 1), 'a thread for it');
    // Servers on this machine are allowed too.
    check(library.ub_ctx_set_option(context, 'do-not-query-localhost:', 'no'), 'do-not-query-localhost');
    for (const [option, value] of Object.entries(CAPACITY))
      check(library.ub_ctx_set_option(context, option, value), option);
    if (servers.length === 0) check(library.ub_ctx_resolvconf(context, null), 'the servers of the system');
    for (const server of servers)
      check(library.ub_ctx_set_fwd(context, unboundAddress(server)), `the server ${server}`);
    for (const [zone, server] of Object.entries(stubs))
      check(library.ub_ctx_set_stub(context, zone, unboundAddress(server), 0), `the stub ${zone}`);
    const given = trustAnchors.flatMap(trustAnchorsIn);
    const isRooted = given.some(isRootAnchor);
    const rootFile = isRooted ? undefined : rootAnchorFiles.find((file) => existsSync(file));
    const rooted = rootFile === undefined ? [] : trustAnchorsIn(readFileSync(rootFile, 'utf8'));
    // Without any it would answer everything as insecure, and nobody would notice. Who passes no files knows that.
    if (given.length + rooted.length === 0 && rootAnchorFiles.length > 0)
      throw new FaultError(
        fault('dns', 'validator-unavailable', 'local', `no trust anchor is given or at ${rootAnchorFiles.join(', ')}`),
      );
    for (const anchor of [...given, ...rooted])
      check(library.ub_ctx_add_ta(context, anchor), `the trust anchor "${anchor}"`);
    // libunbound evaluates its configuration only in the first call that needs all of it, such as this one.
    check(library.ub_ctx_zone_remove(context, 'xmpp-dna.invalid.'), `the trust anchors ${given.join(', ')}`);
    return context;
  } catch (thrown) {
    library.ub_ctx_delete(context);
    throw thrown;
  }
}

const misconfigured = (text: string): FaultError =>
  new FaultError(fault('dns', 'validator-misconfigured', 'local', text));

function unboundAddress(server: string): string {
  const { address, port } = parseServer(server);
  return `${address}@${port}`;
}

const failed = (reason: string): Outcome<never> => ({ kind: 'failed', reason });

function outcomeOf(pointer: ResultPointer, question: Question): Outcome<Buffer> {
  const { rcode, havedata, secure, bogus, why_bogus, ttl, canonname, message } = readResult(pointer);
  if (bogus) return { kind: 'bogus', reason: why_bogus ?? 'validation failed' };
  if (!havedata && rcode !== RCODE.noError && rcode !== RCODE.nxDomain) return failed(rcodeName(rcode));
  const read = messageIn(message, question);
  if (typeof read === 'string') return failed(read);
  const { answers, authorities } = read;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const signedSeconds = secure ? secondsSigned([...answers, ...authorities], nowSeconds) : Infinity;
  const ttlSeconds = Math.max(0, Math.min(ttl, signedSeconds));
  if (!havedata) return { kind: 'absent', secure, ttlSeconds };
  const end = followAliases(question, answers);
  if (end.kind === 'broken') return failed(end.reason);
  const found = end.records.slice(0, MAX_RECORDS).map(({ rdata }) => rdata);
  return { kind: 'found', found, secure, ttlSeconds, canonicalName: canonname };
}

/** The message, or why it cannot be read. */
function messageIn(message: Buffer, question: Question): Answer | string {
  try {
    const id = message.length < 2 ? 0 : message.readUInt16BE(0);
    return readAnswer(message, id, question) ?? 'the validator answered something else';
  } catch (thrown) {
    return `a malformed answer: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

/** The outcome with its records parsed; an unreadable one is kept in a form that is never valid. */
function parsed<Record>(outcome: Outcome<Buffer>, read: (rdata: Buffer) => Record): Outcome<Record> {
  return outcome.kind === 'found' ? { ...outcome, found: outcome.found.map(read) } : outcome;
}
