/**
 * DNS that a resolver trusted by the operator has validated: it marks validated answers with the AD bit (RFC 4035
 * §3.2.3), and answers SERVFAIL when validation fails.
 */
import type { Clock } from '../../../ports.ts';
import { FaultError, fault } from '../../../protocol/faults.ts';
import { followAliases } from '../aliases.ts';
import { followSignal } from '../../bounded.ts';
import type { NameSource, Outcome } from '../outcome.ts';
import { addressText, srvFields, tlsaRecord } from '../rdata.ts';
import { secondsSigned } from '../signature-expiry.ts';
import { isLoopbackServer, parseServer, type ServerAddress } from '../server-address.ts';
import { exchange, type Query } from './exchange.ts';
import {
  type Answer,
  type ExtendedError,
  type Question,
  RCODE,
  rcodeName,
  type ResourceRecord,
  TYPE,
} from '../message.ts';

export interface TrustedOptions {
  /** The resolvers whose AD bit is trusted, asked in this order. */
  readonly servers: readonly string[];
  /** Whether one may be on another machine: anyone on the path to it can then forge any proof. @defaultValue false */
  readonly trustRemote?: boolean;
  readonly timeoutMs: number;
  readonly tries: number;
  readonly clock: Clock;
}

/** Most records read from one answer. */
const MAX_RECORDS = 256;

/**
 * @throws FaultError `dns`, local: `validator-misconfigured` when no server is named, or one on another machine without
 * `trustRemote`. TypeError when a server is not an address.
 */
export function createTrustedSource(options: TrustedOptions): NameSource {
  const resolvers = new TrustedResolvers(options);
  return {
    srv: async (name, stop) => parsed(await resolvers.ask({ name, type: TYPE.srv }, stop), srvFields),
    addresses: async (name, family, stop) =>
      parsed(await resolvers.ask({ name, type: family === 4 ? TYPE.a : TYPE.aaaa }, stop), addressText),
    tlsa: async (name, stop) => parsed(await resolvers.ask({ name, type: TYPE.tlsa }, stop), tlsaRecord),
  };
}

class TrustedResolvers {
  readonly #servers: readonly ServerAddress[];
  readonly #firstPatienceMs: number;
  readonly #tries: number;
  readonly #clock: Clock;

  constructor({ servers, trustRemote = false, timeoutMs, tries, clock }: TrustedOptions) {
    if (servers.length === 0) throw misconfigured('no server is named whose AD bit is to be trusted');
    this.#servers = servers.map(parseServer);
    const remote = this.#servers.find((server) => !isLoopbackServer(server));
    if (remote !== undefined && !trustRemote)
      throw misconfigured(`${remote.address} is on another machine: its AD bit could be anybody's`);
    // The time per server doubles with each round through all servers, and all rounds fit into timeoutMs.
    this.#firstPatienceMs = Math.max(1, Math.floor(timeoutMs / (servers.length * (2 ** tries - 1))));
    this.#tries = tries;
    this.#clock = clock;
  }

  /** Asks the next server if one is silent or refuses, and all of them again if all were silent; `bogus` is final. */
  async ask(question: Question, stop: AbortSignal): Promise<Outcome<Buffer>> {
    let reason = '';
    for (let round = 0; round < this.#tries; round += 1) {
      let wasHeard = false;
      for (const server of this.#servers) {
        const patienceMs = this.#firstPatienceMs * 2 ** round;
        const heard = await this.#askOne(server, { ...question, checkingDisabled: false }, patienceMs, stop);
        if (stop.aborted) return failed(String(stop.reason));
        wasHeard ||= typeof heard !== 'string';
        const outcome =
          typeof heard !== 'string' && heard.rcode === RCODE.servFail
            ? await this.#explainRefusal(server, question, heard, patienceMs, stop)
            : outcomeOf(heard, question, Math.floor(this.#clock.now() / 1000));
        if (outcome.kind !== 'failed') return outcome;
        ({ reason } = outcome);
      }
      if (wasHeard) break;
    }
    return failed(stop.aborted ? String(stop.reason) : reason);
  }

  /** SERVFAIL may mean failed validation, or much else (RFC 4035 §3.2.2): data that comes only with CD set is bogus. */
  async #explainRefusal(
    server: ServerAddress,
    question: Question,
    refusal: Answer,
    patienceMs: number,
    stop: AbortSignal,
  ): Promise<Outcome<never>> {
    const words = ['SERVFAIL', ...refusal.errors.map(sentenceOf)].join('; ');
    if (refusal.errors.some(({ code }) => Object.hasOwn(VALIDATION_ERRORS, code)))
      return { kind: 'bogus', reason: words };
    const unchecked = await this.#askOne(server, { ...question, checkingDisabled: true }, patienceMs, stop);
    const isThere =
      typeof unchecked !== 'string' && (unchecked.rcode === RCODE.noError || unchecked.rcode === RCODE.nxDomain);
    return isThere
      ? { kind: 'bogus', reason: `${words}, and an answer if validation is turned off: the resolver does not say why` }
      : failed(words);
  }

  /** The answer, or why there is none. */
  async #askOne(server: ServerAddress, query: Query, patienceMs: number, stop: AbortSignal): Promise<Answer | string> {
    const limit = followSignal(stop);
    const timer = this.#clock.setTimeout(() => limit.abort('TIMEOUT: no server answered'), patienceMs);
    try {
      return await exchange(server, query, limit.signal);
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    } finally {
      this.#clock.clearTimeout(timer);
      limit.unfollow();
    }
  }
}

const misconfigured = (text: string): FaultError =>
  new FaultError(fault('dns', 'validator-misconfigured', 'local', text));
const failed = (reason: string): Outcome<never> => ({ kind: 'failed', reason });

/** INFO-CODEs of RFC 8914 §4 which say that validation failed. */
const VALIDATION_ERRORS: Readonly<Record<number, string>> = {
  5: 'DNSSEC indeterminate',
  6: 'DNSSEC bogus',
  7: 'signature expired',
  8: 'signature not yet valid',
  9: 'DNSKEY missing',
  10: 'RRSIGs missing',
  11: 'no zone key bit set',
  12: 'NSEC missing',
};

const sentenceOf = ({ code, text }: ExtendedError): string =>
  `${VALIDATION_ERRORS[code] ?? `error ${code} of RFC 8914`}${text === '' ? '' : `: ${text}`}`;

/** The outcome at the end of the aliases in the answer. AD covers all of both sections (RFC 4035 §3.2.3). */
function outcomeOf(heard: Answer | string, question: Question, nowSeconds: number): Outcome<Buffer> {
  if (typeof heard === 'string') return failed(heard);
  const { rcode, recursive, authentic: secure, answers, authorities } = heard;
  if (rcode !== RCODE.noError && rcode !== RCODE.nxDomain) return failed(rcodeName(rcode));
  // An authoritative server does not set AD, and its referral to other servers does not mean "there is none".
  if (!recursive) return failed('the server does not resolve for us (RA is not set)');
  const end = followAliases(question, answers);
  if (end.kind === 'broken') return failed(end.reason);
  const signedSeconds = secure ? secondsSigned([...answers, ...authorities], nowSeconds) : Infinity;
  const ttlSeconds = Math.max(0, Math.min(end.ttlSeconds, signedSeconds));
  if (end.records.length === 0) return absent(end.owner, ttlSeconds, secure, authorities);
  const found = end.records.slice(0, MAX_RECORDS).map(({ rdata }) => rdata);
  return { kind: 'found', found, secure, ttlSeconds, canonicalName: end.isAlias ? end.owner : null };
}

/**
 * RFC 2308 §5. A signed denial comes with the SOA of its zone: without one, the resolver may merely have failed to
 * reach the end of the chain.
 */
function absent(
  owner: string,
  chainTtlSeconds: number,
  secure: boolean,
  authorities: readonly ResourceRecord[],
): Outcome<never> {
  const soa = authorities.find((record) => record.type === TYPE.soa && isWithin(owner, record.owner));
  if (soa === undefined) return secure ? failed('a denial without a proof') : { kind: 'absent', secure, ttlSeconds: 0 };
  const minimum = soa.rdata.length < 4 ? 0 : soa.rdata.readUInt32BE(soa.rdata.length - 4);
  return { kind: 'absent', secure, ttlSeconds: Math.min(chainTtlSeconds, soa.ttlSeconds, minimum) };
}

const isWithin = (name: string, zone: string): boolean => zone === '.' || name === zone || name.endsWith(`.${zone}`);

/** The outcome with its records parsed; an unreadable one is kept in a form that is never valid. */
function parsed<Record>(outcome: Outcome<Buffer>, read: (rdata: Buffer) => Record): Outcome<Record> {
  return outcome.kind === 'found' ? { ...outcome, found: outcome.found.map(read) } : outcome;
}
