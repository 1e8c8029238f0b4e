/** Reads the configuration file of `serve`, checks it as a whole, and converts it to the options of the daemon. */
import { LineCounter, parseDocument } from 'yaml';
import { isLoopback } from '../protocol/addresses.ts';
import { parentDomains } from '../protocol/names.ts';
import { queueProblem, type DnaProofs, type ManagerOptions, type PolicyOptions } from '../options.ts';
import { dnsOptions, type DnsOptions } from './dns.ts';
import { namesDomain, PemFiles, warnOfCertificate, type LoadedCredential } from './credentials.ts';
import { FileError, readBounded } from './files.ts';
import { policyFrom } from './policy.ts';
import { configFile, type ConfigFile } from './schema.ts';
import { ConfigError, refused, Source, type Remark, type Spot } from './spot.ts';

export type { DnsOptions } from './dns.ts';
export { ConfigError } from './spot.ts';

/** Largest configuration file, in bytes: room for 10,000 hosts with long paths. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** One socket that components connect to (XEP-0114). */
export interface ComponentListenOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Component domain to shared secret. */
  readonly domains: Readonly<Record<string, string>>;
}

/** How POSH documents are fetched (RFC 7711). */
export interface PoshFileOptions {
  readonly enabled: boolean;
  /** Whether the system's trust anchors are used for web servers. */
  readonly system: boolean;
  /** PEM texts. */
  readonly files: readonly string[];
  readonly allowPrivate: boolean;
  readonly port: number;
}

/** A trace file, and the size in bytes at which a new one is begun. */
export interface TraceFileConfig {
  readonly path: string;
  readonly fileBytes?: number;
}

/** Where the inspector or the metrics endpoint listens, and the token that clients need; none is needed on loopback. */
export interface InspectorConfig {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly token: string | null;
}

/** The checked options of the daemon. */
export interface ServeConfig {
  /** Its hosts include the component domains, with their certificates. */
  readonly manager: ManagerOptions;
  readonly trust: {
    /** Whether the system's trust anchors are used. @defaultValue true */
    readonly system: boolean;
    /** PEM texts. */
    readonly files: readonly string[];
  };
  readonly dns: DnsOptions;
  readonly posh: PoshFileOptions;
  /** Where trace records are written; null: in memory only. */
  readonly trace: TraceFileConfig | null;
  /** Null: off. */
  readonly inspector: InspectorConfig | null;
  /** The metrics endpoint (docs/metrics.md); null: off. */
  readonly metrics: InspectorConfig | null;
  readonly components: readonly ComponentListenOptions[];
  /** Warnings for the operator; each names file, line and key path. */
  readonly warnings: readonly string[];
}

/**
 * Reads and checks a configuration file; paths in it are relative to it.
 *
 * @param nowMs the time for which certificates are checked, in milliseconds since the epoch
 * @throws ConfigError with every problem of the file, not only the first
 */
export function loadConfig(file: string, nowMs: number = Date.now()): ServeConfig {
  const source = parseYaml(file);
  const pem = new PemFiles(file);
  const decoded = source.problems.length === 0 ? configFile(pem)(source.root()) : refused;
  const config = decoded === refused ? undefined : new Assembly(source, decoded, nowMs, pem).config();
  if (config === undefined || source.problems.length > 0) throw new ConfigError(sentences(source.problems));
  return { ...config, warnings: sentences(source.warnings) };
}

/**
 * The policy of a configuration file, or of a file that has only `policy`.
 *
 * @throws ConfigError with every problem of the file
 */
export function loadPolicy(file: string): PolicyOptions {
  const source = parseYaml(file);
  const decoded = source.problems.length === 0 ? configFile(new PemFiles(file))(source.root()) : refused;
  if (decoded !== refused && decoded.policy === undefined) source.root().below('policy', null).problem('is missing');
  const policy = decoded === refused ? undefined : policyFrom(decoded.policy);
  if (policy === undefined || source.problems.length > 0) throw new ConfigError(sentences(source.problems));
  return policy;
}

function parseYaml(file: string): Source {
  const lines = new LineCounter();
  try {
    const document = parseDocument(readBounded(file, MAX_CONFIG_BYTES), {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false, // the package's own check takes seconds at 10,000 hosts; ours is in the decoders
    });
    const source = new Source(file, document, lines);
    for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
      const sentence =
        code === 'MULTIPLE_DOCS'
          ? 'expected one YAML document; a second begins here'
          : `expected YAML: ${/call stack/.test(message) ? 'nested too deeply' : message}`;
      const remark = source.remark(source.lineAt(pos[0]), '', sentence);
      source.problems.push(remark);
    }
    return source;
  } catch (error) {
    if (error instanceof FileError) throw new ConfigError([`${file}: ${error.message}`]);
    // The composer of the YAML package recurses; a file that exhausts its stack has no meaning for us either.
    if (error instanceof RangeError) throw new ConfigError([`${file}: expected YAML: nested too deeply`]);
    throw error;
  }
}

function sentences(remarks: readonly Remark[]): readonly string[] {
  return [...remarks].sort((a, b) => a.line - b.line).map(({ sentence }) => sentence);
}

/** The checks that need more than one value, and the finished options. */
class Assembly {
  readonly #root: Spot;
  readonly #file: ConfigFile;
  readonly #nowMs: number;
  readonly #pem: PemFiles;
  /** Credentials by served domain: hosts first, then components. */
  readonly #credentials = new Map<string, LoadedCredential>();
  /** Credentials of the hosts that have their own. */
  readonly #own = new Set<LoadedCredential>();

  constructor(source: Source, file: ConfigFile, nowMs: number, pem: PemFiles) {
    this.#root = source.root();
    this.#file = file;
    this.#nowMs = nowMs;
    this.#pem = pem;
  }

  config(): Omit<ServeConfig, 'warnings'> {
    const { bidi, dialback, listen, trust } = this.#file;
    this.#loadHosts();
    const components = this.#loadComponents();
    this.#checkListeners();
    return {
      manager: {
        hosts: Object.fromEntries([...this.#credentials].map(([domain, { cert, key }]) => [domain, { cert, key }])),
        listen: (listen ?? []).map(({ value }) => ({ ...value, tls: value.tls ?? 'detect' })),
        policy: policyFrom(this.#file.policy),
        ...(bidi === undefined ? {} : { bidi }),
        ...(dialback === undefined ? {} : { dialback }),
        limits: this.#limits(),
        ...this.#proofs(),
      },
      trust: { system: trust?.system ?? true, files: trust?.files ?? [] },
      dns: dnsOptions(this.#file.dns),
      posh: this.#posh(),
      trace: this.#trace(),
      inspector: this.#guarded(this.#file.inspector),
      metrics: this.#guarded(this.#file.metrics),
      components,
    };
  }

  #loadHosts(): void {
    const hosts = this.#file.hosts ?? new Map<string, never>();
    if (hosts.size === 0 && this.#componentDomains().length === 0) {
      this.#root.below('hosts', null).problem('expected at least one domain to serve');
    }
    for (const [domain, { value, spot }] of hosts) {
      if (value.credential === null) continue;
      this.#own.add(value.credential);
      this.#serve(domain, value.credential, spot);
    }
    for (const [domain, { value, spot }] of hosts) if (value.credential === null) this.#inherit(domain, spot);
  }

  #proofsOf(domain: string): DnaProofs {
    return this.#file.hosts?.get(domain)?.value.proofs ?? {};
  }

  #proofs(): Pick<ManagerOptions, 'proofs'> {
    const shown = [...(this.#file.hosts?.keys() ?? [])]
      .map((domain) => [domain, this.#proofsOf(domain)] as const)
      .filter(([, proofs]) => Object.keys(proofs).length > 0);
    return shown.length === 0 ? {} : { proofs: Object.fromEntries(shown) };
  }

  #loadComponents(): readonly ComponentListenOptions[] {
    const taken = new Set(this.#file.hosts?.keys());
    for (const [domain, { value, spot }] of this.#componentDomains()) {
      if (taken.has(domain)) spot.problem('is served already, as a host or by another component');
      else if (value.credential === null) this.#inherit(domain, spot);
      else this.#serve(domain, value.credential, spot);
      taken.add(domain);
    }
    return (this.#file.components ?? []).map(({ value: { address, port, domains } }) => ({
      address,
      port,
      domains: Object.fromEntries([...domains].map(([domain, { value }]) => [domain, value.secret])),
    }));
  }

  #serve(domain: string, credential: LoadedCredential, spot: Spot): void {
    const isDelegated = Object.keys(this.#proofsOf(domain)).length > 0;
    warnOfCertificate(credential.leaf, domain, spot, { nowMs: this.#nowMs, isDelegated });
    this.#credentials.set(domain, credential);
  }

  /** Uses the credential of the host whose certificate names the domain, else that of its closest parent host. */
  #inherit(domain: string, spot: Spot): void {
    const hosts = this.#file.hosts ?? new Map<string, never>();
    const parent = parentDomains(domain).find((candidate) => hosts.get(candidate)?.value.credential != null);
    const naming = [...this.#own].find(({ leaf }) => namesDomain(leaf, domain));
    const credential = naming ?? (parent === undefined ? undefined : this.#credentials.get(parent));
    if (credential !== undefined) this.#serve(domain, credential, spot);
    else spot.problem('has no certificate: expected cert and key here, or a host that is a parent domain or names it');
  }

  #componentDomains() {
    return (this.#file.components ?? []).flatMap(({ value }) => [...value.domains]);
  }

  #checkListeners(): void {
    const { listen = [], components = [], inspector, metrics } = this.#file;
    const taken = new Map<string, string>();
    for (const { value, spot } of [
      ...listen,
      ...components,
      ...[inspector, metrics].filter((one) => one !== undefined),
    ]) {
      const socket = `${value.address} port ${value.port}`;
      const holder = taken.get(socket);
      if (value.port !== 0 && holder !== undefined) spot.problem(`${socket} is taken already by ${holder}`);
      else taken.set(socket, spot.path);
    }
    for (const { value, spot } of components) {
      if (!isLoopback(value.address)) {
        spot.warn('components speak without encryption; expected a loopback address, unless the network is your own');
      }
    }
    if (listen.length === 0) {
      this.#root.below('listen', null).warn('is absent: no other server can open a stream to this one');
    }
  }

  #posh(): PoshFileOptions {
    const { enabled = true, system = true, files = [], allowPrivate = false, port = 443 } = this.#file.posh ?? {};
    return { enabled, system, files, allowPrivate, port };
  }

  /** Relative to the configuration file, as all paths are. */
  #trace(): TraceFileConfig | null {
    const { trace } = this.#file;
    if (trace === undefined) return null;
    const { file, fileBytes } = trace.value;
    const path = this.#pem.path(file.value);
    if (this.#pem.hasRead(path)) file.spot.problem('expected a file of its own, not one that the daemon reads');
    return { path, ...(fileBytes === undefined ? {} : { fileBytes }) };
  }

  /** Inspector and metrics reveal who talks to whom, or how much: beyond this machine they require the token. */
  #guarded(located: ConfigFile['inspector']): InspectorConfig | null {
    if (located === undefined) return null;
    const { address, port, token = null } = located.value;
    if (token === null && !isLoopback(address))
      located.spot.problem('expected a token of at least 16 characters, or a loopback address');
    if (token !== null && /[^\x21-\x7e]/.test(token))
      located.spot.below('token', null).problem('expected visible ASCII characters: it is sent in a header');
    return { address, port, token };
  }

  #limits(): NonNullable<ManagerOptions['limits']> {
    const { stanzaBytes, queueBytes, ...plain } = this.#file.limits ?? {};
    const limits = {
      ...plain,
      ...(stanzaBytes === undefined ? {} : { stanzaBytes: stanzaBytes.value }),
      ...(queueBytes === undefined ? {} : { queueBytes: queueBytes.value }),
    };
    const problem = queueProblem(limits);
    if (problem !== null) (queueBytes ?? stanzaBytes)?.spot.problem(problem.expected);
    return limits;
  }
}
