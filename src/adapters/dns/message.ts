/**
 * DNS messages as a stub resolver needs them (RFC 1035 §4.1): one question out, its answer in. Time and memory are
 * bounded for any input. The package dns-packet trusts the lengths of records, and follows chains of pointers that make
 * a message of 64 KiB take it more than a second.
 */
import { brief } from '../../protocol/faults.ts';
import { nameIn } from './rdata.ts';

export const TYPE = { a: 1, cname: 5, soa: 6, aaaa: 28, srv: 33, opt: 41, rrsig: 46, dnskey: 48, tlsa: 52 } as const;
export const RCODE = { noError: 0, servFail: 2, nxDomain: 3 } as const;
export const CLASS_IN = 1;

const RCODE_NAMES: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
export const rcodeName = (rcode: number): string => RCODE_NAMES[rcode] ?? `RCODE ${rcode}`;

export interface Question {
  readonly name: string;
  readonly type: number;
}

export interface ResourceRecord {
  /** Lower case, without the final dot. */
  readonly owner: string;
  readonly type: number;
  readonly ttlSeconds: number;
  /** A slice of the message; a name at its end is decompressed (CNAME, SRV). */
  readonly rdata: Buffer;
}

export interface Answer {
  readonly rcode: number;
  /** TC: the whole answer is available over TCP. */
  readonly truncated: boolean;
  /** RA: the server resolves recursively. */
  readonly recursive: boolean;
  /** AD: the server has validated all of it (RFC 4035 §3.2.3). */
  readonly authentic: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Why it failed, in the resolver's words (RFC 8914). */
  readonly errors: readonly ExtendedError[];
}

export interface ExtendedError {
  readonly code: number;
  readonly text: string;
}

const HEADER_BYTES = 12;
const FLAG = { response: 0x8000, truncated: 0x0200, rd: 0x0100, ra: 0x0080, ad: 0x0020, cd: 0x0010 } as const;
const OPCODE_MASK = 0x7800;
/** Largest size that is safe over any path (RFC 9715 §3.1); longer answers come over TCP. */
const UDP_PAYLOAD_BYTES = 1_232;
const DNSSEC_OK = 0x8000;
const OPTION_EXTENDED_ERROR = 15;
/** The two highest bits mark a pointer: the rest is the offset at which the name continues. */
const POINTER = 0xc000;
const ROOT = Buffer.from([0]);
const MAX_NAME_OCTETS = 255;
const MAX_LABEL_OCTETS = 63;
/** Names have at most 127 labels, so well-formed ones need no more pointers than that. */
const MAX_POINTERS = 127;
/** Most records in one message; a validated answer of 64 has about 70. */
const MAX_RECORDS = 512;
const MAX_ERRORS = 4;

/** A question in wire form; null when its name is not valid. AD and DO both ask for the AD bit (RFC 6840 §5.7). */
export function encodeQuery(id: number, { name, type }: Question, checkingDisabled: boolean): Buffer | null {
  const owner = encodeName(name);
  if (owner === null) return null;
  const message = Buffer.alloc(HEADER_BYTES + owner.length + 4 + 11);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(FLAG.rd | FLAG.ad | (checkingDisabled ? FLAG.cd : 0), 2);
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(1, 10);
  let at = HEADER_BYTES + owner.copy(message, HEADER_BYTES);
  at = message.writeUInt16BE(type, at);
  at = message.writeUInt16BE(CLASS_IN, at);
  // OPT (RFC 6891 §6.1.2): the root as owner, our UDP size as class, flags within the TTL, no options.
  at = message.writeUInt16BE(TYPE.opt, at + 1);
  at = message.writeUInt16BE(UDP_PAYLOAD_BYTES, at);
  message.writeUInt32BE(DNSSEC_OK, at);
  return message;
}

function encodeName(name: string): Buffer | null {
  const labels = name.replace(/\.$/, '').split('.');
  if (!labels.every((label) => label.length <= MAX_LABEL_OCTETS && /^[!-~]+$/.test(label))) return null;
  const wire = Buffer.from(
    [...labels, ''].map((label) => String.fromCharCode(label.length) + label).join(''),
    'latin1',
  );
  return wire.length > MAX_NAME_OCTETS ? null : wire;
}

/**
 * The answer in `bytes` to `question` with this `id`; null when it answers another one.
 * @throws Error when it is the answer, but malformed.
 */
export function readAnswer(bytes: Buffer, id: number, question: Question): Answer | null {
  if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== id) return null;
  const flags = bytes.readUInt16BE(2);
  if ((flags & FLAG.response) === 0 || (flags & OPCODE_MASK) !== 0 || bytes.readUInt16BE(4) !== 1) return null;
  const reader = new Reader(bytes);
  if (!reader.asks(question)) return null;
  const [answerCount, authorityCount, additionalCount] = [6, 8, 10].map((at) => bytes.readUInt16BE(at));
  const truncated = (flags & FLAG.truncated) !== 0;
  // A truncated answer is not parsed: the whole one follows over TCP.
  const answers = truncated ? [] : reader.records(answerCount ?? 0);
  const authorities = truncated ? [] : reader.records(authorityCount ?? 0);
  const opt = truncated ? undefined : reader.records(additionalCount ?? 0).find(({ type }) => type === TYPE.opt);
  const EXTENDED_RCODE_BIT = 2 ** 24;
  return {
    rcode: (flags & 0x0f) + 16 * Math.floor((opt?.ttlSeconds ?? 0) / EXTENDED_RCODE_BIT),
    truncated,
    recursive: (flags & FLAG.ra) !== 0,
    authentic: (flags & FLAG.ad) !== 0,
    answers,
    authorities,
    errors: opt === undefined ? [] : extendedErrors(opt.rdata),
  };
}

class Reader {
  readonly #bytes: Buffer;
  #at = HEADER_BYTES;
  #left = MAX_RECORDS;
  readonly #owners = new Map<number, string>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Reads the question and tells whether it is this one; names are compared case-insensitively. */
  asks({ name, type }: Question): boolean {
    const { wire, end } = this.#nameAt(this.#at);
    if (end + 4 > this.#bytes.length) return false;
    this.#at = end + 4;
    const isSame = nameIn(wire).toLowerCase() === name.toLowerCase().replace(/\.$/, '');
    return isSame && this.#bytes.readUInt16BE(end) === type && this.#bytes.readUInt16BE(end + 2) === CLASS_IN;
  }

  /** The next `count` records, without those of other classes. */
  records(count: number): ResourceRecord[] {
    this.#left -= count;
    if (this.#left < 0) throw new Error(`more than ${MAX_RECORDS} records`);
    return Array.from({ length: count }, () => this.#record()).filter((record) => record !== null);
  }

  #record(): ResourceRecord | null {
    const bytes = this.#bytes;
    const FIXED_BYTES = 10;
    const { owner, end: at } = this.#ownerAt(this.#at);
    if (at + FIXED_BYTES > bytes.length) throw new Error('a record is cut off');
    const [type, class_, ttl] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2), bytes.readUInt32BE(at + 4)];
    const start = at + FIXED_BYTES;
    const end = start + bytes.readUInt16BE(at + 8);
    if (end > bytes.length) throw new Error('a record is cut off');
    this.#at = end;
    // OPT uses class and TTL for something else (RFC 6891 §6.1.3).
    if (type === TYPE.opt) return { owner, type, ttlSeconds: ttl, rdata: bytes.subarray(start, end) };
    if (class_ !== CLASS_IN) return null;
    const MAX_TTL = 2 ** 31;
    return { owner, type, ttlSeconds: ttl < MAX_TTL ? ttl : 0, rdata: this.#rdata(type, start, end) };
  }

  /** Mostly a pointer to an earlier name, which is read only once. */
  #ownerAt(start: number): { owner: string; end: number } {
    const bytes = this.#bytes;
    const pointer = start + 2 <= bytes.length ? bytes.readUInt16BE(start) : 0;
    const known = this.#owners.get(pointer);
    if (known !== undefined) return { owner: known, end: start + 2 };
    const { wire, end } = this.#nameAt(start);
    const owner = nameIn(wire).toLowerCase();
    if (pointer >= POINTER) this.#owners.set(pointer, owner);
    return { owner, end };
  }

  #rdata(type: number, start: number, end: number): Buffer {
    const nameAt = type === TYPE.cname ? start : type === TYPE.srv ? start + 6 : end;
    if (nameAt >= end) return this.#bytes.subarray(start, end);
    const name = this.#nameAt(nameAt);
    if (name.end !== end) throw new Error('a record is longer or shorter than the name in it');
    return Buffer.concat([this.#bytes.subarray(start, nameAt), name.wire]);
  }

  /** Pointers may only lead backwards, so none can be followed twice (RFC 1035 §4.1.4). */
  #nameAt(start: number): { wire: Buffer; end: number } {
    const bytes = this.#bytes;
    const labels: Buffer[] = [];
    let [at, floor, end, octets, pointers] = [start, start, -1, 1, 0];
    for (;;) {
      const length = bytes[at];
      if (length === undefined) throw new Error('a name is cut off');
      if (length === 0) {
        return { wire: Buffer.concat([...labels, ROOT]), end: end === -1 ? at + 1 : end };
      }
      if (length > MAX_LABEL_OCTETS) {
        const low = bytes[at + 1];
        pointers += 1;
        if (length < POINTER >> 8 || low === undefined || pointers > MAX_POINTERS)
          throw new Error('a name cannot be read');
        if (end === -1) end = at + 2;
        at = ((length & 0x3f) << 8) | low;
        if (at >= floor || at < HEADER_BYTES) throw new Error('a name points at nothing before it');
        floor = at;
        continue;
      }
      octets += length + 1;
      if (octets > MAX_NAME_OCTETS || at + 1 + length > bytes.length) throw new Error('a name is too long');
      labels.push(bytes.subarray(at, at + 1 + length));
      at += 1 + length;
    }
  }
}

function extendedErrors(options: Buffer): ExtendedError[] {
  const MAX_TEXT = 200;
  const errors: ExtendedError[] = [];
  for (let at = 0; at + 4 <= options.length && errors.length < MAX_ERRORS;) {
    const [code, length] = [options.readUInt16BE(at), options.readUInt16BE(at + 2)];
    const value = options.subarray(at + 4, at + 4 + length);
    if (code === OPTION_EXTENDED_ERROR && value.length === length && length >= 2) {
      const text = value.toString('utf8', 2).replace(/\p{C}/gu, ' ').trim();
      errors.push({ code: value.readUInt16BE(0), text: brief(text, MAX_TEXT) });
    }
    at += 4 + length;
  }
  return errors;
}
