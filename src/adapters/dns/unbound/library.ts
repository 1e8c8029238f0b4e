/**
 * The few functions of libunbound that a validating stub needs.
 *
 * A thin binding: C names, C semantics (libunbound(3)). It loads the library that the system provides.
 */
import koffi from 'koffi';
import { FaultError, fault, toFault } from '../../../protocol/faults.ts';

declare const kind: unique symbol;
/** A pointer that C returned. */
export type Context = bigint & { readonly [kind]: 'ub_ctx' };
export type ResultPointer = bigint & { readonly [kind]: 'ub_result' };
/** A JavaScript function that C may call, until it is unregistered. */
export type Callback = bigint & { readonly [kind]: 'ub_callback_type' };

export interface Libunbound {
  readonly ub_version: () => string;
  readonly ub_strerror: (error: number) => string;
  readonly ub_ctx_create: () => Context | null;
  /** Joins the thread of the context; no callback comes afterwards. */
  readonly ub_ctx_delete: (context: Context) => void;
  readonly ub_ctx_set_option: (context: Context, option: string, value: string) => number;
  readonly ub_ctx_resolvconf: (context: Context, file: string | null) => number;
  readonly ub_ctx_set_fwd: (context: Context, address: string) => number;
  readonly ub_ctx_set_stub: (context: Context, zone: string, address: string, prime: number) => number;
  readonly ub_ctx_add_ta: (context: Context, anchor: string) => number;
  /** Called for a zone that does not exist, because it also evaluates the whole configuration. */
  readonly ub_ctx_zone_remove: (context: Context, zone: string) => number;
  readonly ub_ctx_async: (context: Context, inThread: number) => number;
  readonly ub_fd: (context: Context) => number;
  /** Calls the callbacks of the answers that have arrived; does not block. */
  readonly ub_process: (context: Context) => number;
  readonly ub_resolve_async: (
    context: Context,
    name: string,
    type: number,
    class_: number,
    mine: number,
    callback: Callback,
    id: Int32Array,
  ) => number;
  /** No callback comes for `id` afterwards. */
  readonly ub_cancel: (context: Context, id: number) => number;
  readonly ub_resolve_free: (result: ResultPointer) => void;
}

const PROTOTYPES: Readonly<Record<keyof Libunbound, string>> = {
  ub_version: 'const char *ub_version(void)',
  ub_strerror: 'const char *ub_strerror(int error)',
  ub_ctx_create: 'void *ub_ctx_create(void)',
  ub_ctx_delete: 'void ub_ctx_delete(void *context)',
  ub_ctx_set_option: 'int ub_ctx_set_option(void *context, const char *option, const char *value)',
  ub_ctx_resolvconf: 'int ub_ctx_resolvconf(void *context, const char *file)',
  ub_ctx_set_fwd: 'int ub_ctx_set_fwd(void *context, const char *address)',
  ub_ctx_set_stub: 'int ub_ctx_set_stub(void *context, const char *zone, const char *address, int prime)',
  ub_ctx_add_ta: 'int ub_ctx_add_ta(void *context, const char *anchor)',
  ub_ctx_zone_remove: 'int ub_ctx_zone_remove(void *context, const char *zone)',
  ub_ctx_async: 'int ub_ctx_async(void *context, int in_thread)',
  ub_fd: 'int ub_fd(void *context)',
  ub_process: 'int ub_process(void *context)',
  ub_resolve_async:
    'int ub_resolve_async(void *context, const char *name, int type, int class_, intptr_t mine, void *callback, _Out_ int *id)',
  ub_cancel: 'int ub_cancel(void *context, int id)',
  ub_resolve_free: 'void ub_resolve_free(void *result)',
};

/** The part of `struct ub_result` that is read. */
export interface UbResult {
  readonly rcode: number;
  readonly havedata: boolean;
  readonly secure: boolean;
  readonly bogus: boolean;
  readonly why_bogus: string | null;
  readonly ttl: number;
  /** The end of a chain of aliases; null when there was none. */
  readonly canonname: string | null;
  /** The whole answer as a DNS message, signatures included. */
  readonly message: Buffer;
}

/** The struct in C, as it has been since libunbound 1.4.20. */
const LAYOUT = koffi.struct({
  qname: 'const char *',
  qtype: 'int',
  qclass: 'int',
  data: 'void *',
  len: 'int *',
  canonname: 'const char *',
  rcode: 'int',
  answer_packet: 'void *',
  answer_len: 'int',
  havedata: 'int',
  nxdomain: 'int',
  secure: 'int',
  bogus: 'int',
  why_bogus: 'const char *',
  was_ratelimited: 'int',
  ttl: 'int',
});
type RawResult = Omit<UbResult, 'havedata' | 'secure' | 'bogus' | 'message'> &
  Readonly<Record<'havedata' | 'secure' | 'bogus' | 'answer_len', number>> & { readonly answer_packet: bigint | null };

let memcpy: ((to: Uint8Array, from: bigint, length: number) => void) | undefined;

/** Not with `koffi.decode`, which keeps an array type for each length, nor `koffi.view`, which takes twice as long. */
function copied(from: bigint | null, length: number): Buffer {
  memcpy ??= koffi.load(null).func('void *memcpy(void *to, const void *from, size_t length)');
  const to = Buffer.alloc(from === null ? 0 : length);
  if (from !== null) memcpy(to, from, length);
  return to;
}

/** Copies the fields that are used out of C; the result still has to be freed. */
export function readResult(pointer: ResultPointer): UbResult {
  // A C struct becomes a type here: that the layout above matches the interface has to be checked by reading.
  const raw = koffi.decode(pointer, LAYOUT) as RawResult;
  const { rcode, why_bogus, ttl, canonname } = raw;
  return {
    rcode,
    why_bogus,
    ttl,
    canonname,
    havedata: raw.havedata !== 0,
    secure: raw.secure !== 0,
    bogus: raw.bogus !== 0,
    message: copied(raw.answer_packet, raw.answer_len),
  };
}

const CALLBACK = koffi.pointer(koffi.proto('void (intptr_t mine, int error, void *result)'));

/** Lets C call `heard` with the number given as `mine`; must be unregistered when no call can come any more. */
export function registerCallback(heard: (mine: number, error: number, result: ResultPointer | null) => void): Callback {
  return koffi.register(heard, CALLBACK) as unknown as Callback;
}

export const unregisterCallback = (callback: Callback): void => koffi.unregister(callback);

/** File names of the library; the number is that of its ABI. */
const FILES: readonly string[] =
  process.platform === 'darwin' ? ['libunbound.8.dylib', 'libunbound.dylib'] : ['libunbound.so.8', 'libunbound.so'];

let loaded: Libunbound | undefined;

/**
 * The binding, created once per process.
 * @throws FaultError `dns`: `validator-unavailable`, local, when the system has no libunbound.
 */
export function loadLibunbound(): Libunbound {
  if (loaded !== undefined) return loaded;
  const reasons: string[] = [];
  for (const file of FILES) {
    try {
      const library = koffi.load(file);
      const functions = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.func(prototype)] as const);
      loaded = Object.fromEntries(functions) as unknown as Libunbound;
      return loaded;
    } catch (thrown) {
      reasons.push(toFault(thrown, 'dns').text ?? file);
    }
  }
  throw new FaultError(fault('dns', 'validator-unavailable', 'local', reasons.join('; ')));
}
