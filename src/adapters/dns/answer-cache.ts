/**
 * Caches DNS answers for as long as their TTL allows (RFC 1035 §3.2.1, RFC 2308 §5), and merges equal concurrent
 * questions into one. A cached answer keeps its security status. Failures and bogus answers are not cached: callers
 * that ask again have a backoff of their own.
 */
import type { Clock, LookUpOptions, Resolver } from '../../ports.ts';
import type { DnsAnswer } from '../../protocol/dns.ts';
import { systemClock } from '../clock.ts';
import { LruMap } from '../lru.ts';

export interface AnswerCacheOptions {
  /**
   * Answers kept, separately for services, hosts and certificates; the least recently used one is evicted first.
   * @defaultValue 10000
   */
  readonly maxAnswers?: number;
  /** Longest time that an answer is kept: a mistake in a zone must not last longer. @defaultValue 86400 */
  readonly maxTtlSeconds?: number;
  /** The same for negative answers. @defaultValue 300 */
  readonly maxNegativeTtlSeconds?: number;
  /** @defaultValue the system's clock */
  readonly clock?: Clock;
}

/** A resolver that asks `resolver` only for answers that are not in its cache, or that are wanted `fresh`. */
export function rememberAnswers(resolver: Resolver, options: AnswerCacheOptions = {}): Resolver {
  const services = new AnswerCache(resolver.srv.bind(resolver), options);
  const hosts = new AnswerCache(resolver.addresses.bind(resolver), options);
  const certificates = new AnswerCache(resolver.tlsa.bind(resolver), options);
  return {
    validates: resolver.validates,
    tlsa: (name, signal, options = {}) => certificates.lookUp(name, signal, options),
    srv: (name, signal, options = {}) => services.lookUp(name, signal, options),
    addresses: (host, signal, options = {}) => hosts.lookUp(host, signal, options),
  };
}

/** Longest answer that is kept, in characters of names and data: what strangers publish must not fill our memory. */
export const MAX_CHARACTERS = 8_192;

type Ask<Record> = (name: string, signal: AbortSignal, options: LookUpOptions) => Promise<DnsAnswer<Record>>;

interface Remembered<Record> {
  readonly answer: DnsAnswer<Record>;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A question under way. It is cancelled when nobody waits for its answer any more. */
interface Question<Record> {
  readonly answer: Promise<DnsAnswer<Record>>;
  /** Called when nobody waits for it any more. */
  readonly forget: () => void;
  askers: number;
}

class AnswerCache<Record extends object> {
  readonly #ask: Ask<Record>;
  readonly #clock: Clock;
  readonly #maxTtlSeconds: { readonly positive: number; readonly negative: number };
  readonly #remembered: LruMap<string, Remembered<Record>>;
  readonly #underWay = new Map<string, Question<Record>>();
  /** Questions for verification, which may have to wait for a turn; our own stanzas must not wait with them. */
  readonly #underWayForVerification = new Map<string, Question<Record>>();

  constructor(ask: Ask<Record>, options: AnswerCacheOptions) {
    const { maxAnswers = 10_000, maxTtlSeconds = 86_400, maxNegativeTtlSeconds = 300, clock = systemClock } = options;
    this.#ask = ask;
    this.#clock = clock;
    this.#maxTtlSeconds = { positive: maxTtlSeconds, negative: maxNegativeTtlSeconds };
    this.#remembered = new LruMap(maxAnswers);
  }

  lookUp(
    name: string,
    signal: AbortSignal,
    { fresh = false, purpose = 'stanzas' }: LookUpOptions,
  ): Promise<DnsAnswer<Record>> {
    if (signal.aborted) return Promise.resolve(cancelled);
    const remembered = fresh ? null : this.#recall(name);
    if (remembered !== null) return Promise.resolve(remembered);
    const isForVerification = purpose === 'verification';
    const underWay =
      this.#underWay.get(name) ?? (isForVerification ? this.#underWayForVerification.get(name) : undefined);
    return this.#join(underWay ?? this.#start(name, purpose), signal);
  }

  /** The answer with the rest of its TTL (RFC 1035 §7.4). */
  #recall(name: string): DnsAnswer<Record> | null {
    const found = this.#remembered.get(name);
    if (found === undefined) return null;
    const now = this.#clock.now();
    const leftMs = found.untilMs - now;
    // An answer from the future was stored before the clock was set back: its age is unknown.
    if (leftMs > 0 && found.sinceMs <= now) return { ...found.answer, ttlSeconds: Math.ceil(leftMs / 1_000) };
    this.#remembered.delete(name);
    return null;
  }

  #start(name: string, purpose: NonNullable<LookUpOptions['purpose']>): Question<Record> {
    const table = purpose === 'verification' ? this.#underWayForVerification : this.#underWay;
    const controller = new AbortController();
    const answer = this.#ask(name, controller.signal, { fresh: true, purpose }).then(
      (told) => {
        if (table.get(name) !== question) return told; // cancelled
        table.delete(name);
        this.#remember(name, told);
        return told;
      },
      (thrown: unknown) => {
        if (table.get(name) === question) table.delete(name);
        return failed(`the resolver broke: ${String(thrown)}`);
      },
    );
    const forget = (): void => {
      if (table.get(name) === question) table.delete(name);
      controller.abort();
    };
    const question = { answer, forget, askers: 0 };
    table.set(name, question);
    return question;
  }

  #join(question: Question<Record>, signal: AbortSignal): Promise<DnsAnswer<Record>> {
    question.askers += 1;
    return new Promise((resolve) => {
      const leave = (): void => {
        question.askers -= 1;
        if (question.askers === 0) question.forget();
        resolve(cancelled);
      };
      signal.addEventListener('abort', leave, { once: true });
      void question.answer.then((told) => {
        signal.removeEventListener('abort', leave);
        resolve(told);
      });
    });
  }

  #remember(name: string, answer: DnsAnswer<Record>): void {
    const { positive, negative } = this.#maxTtlSeconds;
    const isPositive = answer.status === 'secure' || answer.status === 'insecure';
    const isNegative = answer.status === 'nodata-secure' || answer.status === 'nodata-insecure';
    const isKept = (isPositive || isNegative) && charactersOf(answer.records) <= MAX_CHARACTERS;
    const ttlSeconds = isKept ? Math.min(answer.ttlSeconds, isPositive ? positive : negative) : 0;
    // An older answer is no longer trusted once the question was asked again, whatever the result.
    if (ttlSeconds <= 0) this.#remembered.delete(name);
    else {
      const sinceMs = this.#clock.now();
      this.#remembered.set(name, { answer, sinceMs, untilMs: sinceMs + ttlSeconds * 1_000 });
    }
  }
}

function charactersOf(records: readonly object[]): number {
  const strings = records
    .flatMap((record): unknown[] => Object.values(record))
    .filter((one) => typeof one === 'string');
  return strings.reduce((sum, { length }) => sum + length, 0);
}

const failed = (reason: string): DnsAnswer<never> => ({ status: 'error', records: [], ttlSeconds: 0, reason });
const cancelled = failed('cancelled');
