/**
 * Prosody 0.12 for interop tests: configuration from options, own account, loopback, high ports, temporary data. Needs
 * the packages `prosody` and `lua-unbound` (without the latter its resolver knows port 53 only).
 *
 * What is written for `{ hosts: [p.example], components: { c.p.example: 's' }, s2s: { port: 15269 }, dns:
 * '127.0.0.1@15353' }`:
 *
 *     unbound = { resolvconf = false, hoststxt = false, forward = "127.0.0.1@15353",
 *       options = { ["do-not-query-localhost:"] = "no", ["cache-max-ttl:"] = "0", ... } }
 *     interfaces = { "127.0.0.1" }   s2s_ports = { 15269 }   component_ports = { 15347 }
 *     modules_enabled = { "tls", "saslauth", "dialback", "ping", "disco" }
 *     s2s_secure_auth = false   s2s_require_encryption = true
 *     VirtualHost "p.example"
 *       ssl = { certificate = ".../p.example.crt", key = ".../p.example.key", cafile = ".../ca.pem" }
 *     Component "c.p.example"
 *       component_secret = "s"
 */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  accountNamed,
  freePort,
  LIBRARIES,
  missing,
  startServer,
  temporaryFolder,
  type Account,
  type RunningServer,
  type ServerPorts,
} from './processes.ts';
import { writeTlsFiles, type ServerHost, type TlsFiles } from './tls-files.ts';

/** Options of both servers; exceptions are documented with each server. */
export interface ServerOptions {
  readonly hosts: readonly ServerHost[];
  /** The trust anchors for s2s. */
  readonly caPem: string;
  /** `127.0.0.1@PORT` of the name server of all s2s look-ups. */
  readonly dns: string;
  /** Omitted ports are chosen. Direct TLS (XEP-0368) is enabled only when requested; 0 chooses a port. */
  readonly s2s?: { readonly port?: number; readonly directTlsPort?: number };
  /** External components (XEP-0114): domain to secret. */
  readonly components?: Readonly<Record<string, string>>;
  readonly componentPort?: number;
  /** Refuse peers whose certificate does not prove their domain (dialback is not enough). @defaultValue false */
  readonly secureAuth?: boolean;
  /** @defaultValue true */
  readonly requireEncryption?: boolean;
  /** @defaultValue true */
  readonly dialback?: boolean;
  /** Time limit for the negotiation of a stream. @defaultValue 20 */
  readonly s2sTimeoutSeconds?: number;
  /** `debug` logs elements; `info` is for benchmarks. @defaultValue 'debug' */
  readonly logLevel?: 'debug' | 'info';
}

export interface ProsodyOptions extends ServerOptions {
  /** Domains that return every message to its sender. */
  readonly echo?: readonly string[];
  /**
   * Offer and use SASL EXTERNAL; false requires `c2sPort` to be absent, since clients need SASL, too. @defaultValue
   * true
   */
  readonly external?: boolean;
  /** XEP-0288. @defaultValue false */
  readonly bidi?: boolean;
  /** Accounts for clients, which log in at `c2sPort` (with STARTTLS). */
  readonly users?: readonly { readonly jid: string; readonly password: string }[];
  readonly c2sPort?: number;
  /** Additional modules, for hosts and components. */
  readonly modules?: readonly string[];
  /** DS or DNSKEY record: look-ups are validated (and DANE is used) below this trust anchor. */
  readonly trustAnchor?: string;
  /** Additional configuration, at top level. */
  readonly extra?: string;
}

export const prosodyMissing = (): string | null => missing('/usr/bin/prosody', `${LIBRARIES}/lua/5.4/lunbound.so`);

/** Starts Prosody; resolves when it listens. */
export async function startProsody(options: ProsodyOptions): Promise<RunningServer> {
  const account = accountNamed('prosody');
  const folder = temporaryFolder('prosody', account);
  const ports: ServerPorts = {
    s2s: options.s2s?.port ?? (await freePort()),
    directTls: options.s2s?.directTlsPort === 0 ? await freePort() : options.s2s?.directTlsPort,
    component: options.componentPort ?? (await freePort()),
  };
  const tls = writeTlsFiles(folder.path, account, options.hosts, options.caPem);
  const own = (path: string): void => (account === null ? undefined : chownSync(path, account.uid, account.gid));
  for (const name of ['data', 'plugins']) {
    mkdirSync(join(folder.path, name));
    own(join(folder.path, name));
  }
  writeFileSync(join(folder.path, 'plugins', 'mod_echo.lua'), ECHO);
  const configFile = join(folder.path, 'prosody.cfg.lua');
  writeFileSync(configFile, configuration(options, folder.path, tls, ports));
  for (const user of options.users ?? []) register(configFile, user, account);
  const hasComponents = Object.keys(options.components ?? {}).length > 0;
  return startServer({
    name: 'prosody',
    command: '/usr/bin/prosody',
    args: ['-F', '--config', configFile],
    folder: folder.path,
    remove: folder.remove,
    account,
    ports,
    ready: ['s2s', ...(hasComponents ? ['component'] : []), ...(options.c2sPort === undefined ? [] : ['c2s'])].map(
      (service) => new RegExp(`Activated service '${service}' on \\[`),
    ),
  });
}

function configuration(options: ProsodyOptions, folder: string, tls: TlsFiles, ports: ServerPorts): string {
  const { external = true, dialback = true, bidi = false, trustAnchor } = options;
  const modules = [
    'tls',
    'ping',
    'disco',
    ...(external || options.c2sPort !== undefined ? ['saslauth'] : []),
    ...(dialback ? ['dialback'] : []),
    ...(bidi ? ['s2s_bidi'] : []),
    ...(options.modules ?? []),
  ];
  const unbound = table({
    resolvconf: 'false',
    hoststxt: 'false',
    forward: quote(options.dns),
    ...(trustAnchor === undefined ? {} : { trusted: quote(trustAnchor) }), // lua-unbound 1.0 breaks on a table here
    options: table({
      'do-not-query-localhost:': '"no"', // libunbound would not query a server on loopback
      'cache-max-ttl:': '"0"',
      'cache-max-negative-ttl:': '"0"',
      'qname-minimisation:': '"no"',
    }),
  });
  const lines = [
    `data_path = ${quote(join(folder, 'data'))}`,
    `certificates = ${quote(join(folder, 'certs'))}`,
    `plugin_paths = ${list([join(folder, 'plugins')])}`,
    `log = { ${options.logLevel ?? 'debug'} = "*console" }`,
    `unbound = ${unbound}`,
    'use_ipv6 = false', // libunbound itself resolves localhost to ::1, too
    `use_dane = ${trustAnchor !== undefined}`,
    `interfaces = { "127.0.0.1" }`,
    `component_interfaces = { "127.0.0.1" }`, // otherwise ::1 too
    `s2s_ports = { ${ports.s2s} }`,
    `s2s_direct_tls_ports = { ${ports.directTls ?? ''} }`,
    `component_ports = { ${ports.component} }`,
    ...(options.c2sPort === undefined ? [] : [`c2s_ports = { ${options.c2sPort} }`]),
    `modules_enabled = ${list(modules)}`,
    `modules_disabled = ${list(options.c2sPort === undefined ? ['c2s', 'offline'] : ['offline'])}`,
    `authentication = "internal_hashed"`,
    `s2s_secure_auth = ${options.secureAuth ?? false}`,
    `s2s_require_encryption = ${options.requireEncryption ?? true}`,
    `s2s_timeout = ${options.s2sTimeoutSeconds ?? 20}`,
    `ssl = { cafile = ${quote(tls.caFile)} }`,
    options.extra ?? '',
    ...options.hosts
      .filter(({ domain }) => !isComponent(options, domain))
      .flatMap(({ domain }) => [`VirtualHost ${quote(domain)}`, ...credential(tls, domain)]),
    ...Object.entries(options.components ?? {}).flatMap(([domain, secret]) => [
      `Component ${quote(domain)}`,
      `  component_secret = ${quote(secret)}`,
      `  modules_enabled = ${list(options.modules ?? [])}`, // inherited: tls, saslauth, dialback, s2s, s2s_bidi only
      ...credential(tls, domain),
    ]),
    ...(options.echo ?? []).flatMap((domain) => [
      `Component ${quote(domain)} "echo"`,
      `  modules_enabled = ${list(['ping', ...(options.modules ?? [])])}`,
      ...credential(tls, domain),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

const isComponent = (options: ProsodyOptions, domain: string): boolean =>
  domain in (options.components ?? {}) || (options.echo ?? []).includes(domain);

/** The credential of the domain, or of the closest domain above it. */
function credential(tls: TlsFiles, domain: string): string[] {
  for (let name = domain; name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
    const files = tls.byDomain.get(name);
    if (files === undefined) continue;
    const pair = `certificate = ${quote(files.certificate)}, key = ${quote(files.key)}`;
    return [`  ssl = { ${pair}, cafile = ${quote(tls.caFile)} }`, `  s2s_direct_tls_ssl = { ${pair} }`];
  }
  return [];
}

/** Debian's Prosody ships no mod_echo. */
const ECHO = `local st = require "util.stanza";
local function echo(event)
  local stanza = event.stanza;
  if stanza.attr.type == "error" then return true; end
  local reply = st.clone(stanza);
  reply.attr.from, reply.attr.to = stanza.attr.to, stanza.attr.from;
  module:send(reply);
  return true;
end
for _, kind in ipairs { "message/host", "message/bare", "message/full" } do module:hook(kind, echo, 10); end
`;

function register(
  configFile: string,
  { jid, password }: { jid: string; password: string },
  account: Account | null,
): void {
  const [user, host] = jid.split('@');
  if (user === undefined || host === undefined) throw new TypeError(`not a bare JID: ${jid}`);
  execFileSync('/usr/bin/prosodyctl', ['--config', configFile, 'register', user, host, password], {
    stdio: 'pipe',
    ...(account ?? {}),
  });
}

const quote = (text: string): string => JSON.stringify(text); // a JSON string of these characters is also a Lua string
const list = (items: readonly string[]): string => `{ ${items.map(quote).join(', ')} }`;
const table = (entries: Readonly<Record<string, string>>): string =>
  `{ ${Object.entries(entries)
    .map(([key, value]) => `[${quote(key)}] = ${value}`)
    .join(', ')} }`;
