/**
 * ejabberd 23.01 for interop tests: configuration from options, own account, loopback, high ports, temporary data, and
 * no Erlang distribution (without `-sname` the VM opens no port of its own and starts no epmd).
 *
 * What is written for `{ hosts: [e.example], components: { c.e.example: 's' }, s2s: { port: 25269 }, dns:
 * '127.0.0.1@15353' }`:
 *
 *     hosts: [e.example]                      # ejabberd.yml
 *     certfiles: [.../e.example.crt, .../e.example.key]
 *     ca_file: .../ca.pem
 *     s2s_use_starttls: required
 *     s2s_max_retry_delay: 1
 *     listen:
 *       - { ip: 127.0.0.1, port: 25269, module: ejabberd_s2s_in }
 *       - { ip: 127.0.0.1, port: 25347, module: ejabberd_service, hosts: { c.e.example: { password: s } } }
 *     modules: { mod_ping: {}, mod_disco: {}, mod_s2s_dialback: {} }
 *
 *     {resolv_conf, ""}.  {hosts_file, ""}.   # inetrc, for SRV; libc looks up addresses, and so /etc/hosts applies
 *     {lookup, [dns]}.  {nameserver, {127,0,0,1}, 15353}.  {cache_size, 0}.
 */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { accountNamed, freePort, LIBRARIES, missing, startServer, temporaryFolder } from './processes.ts';
import type { RunningServer, ServerPorts } from './processes.ts';
import type { ServerOptions } from './prosody.ts';
import { writeTlsFiles, type TlsFiles } from './tls-files.ts';

export interface EjabberdOptions extends ServerOptions {
  /** Additional top-level configuration, merged last. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export const ejabberdMissing = (): string | null => missing('/usr/bin/erl', `${LIBRARIES}/ejabberd-23.01`);

/** Starts ejabberd; resolves when it listens, after about 3 s. */
export async function startEjabberd(options: EjabberdOptions): Promise<RunningServer> {
  const account = accountNamed('ejabberd');
  const folder = temporaryFolder('ejabberd', account);
  const ports: ServerPorts = {
    s2s: options.s2s?.port ?? (await freePort()),
    directTls: options.s2s?.directTlsPort === 0 ? await freePort() : options.s2s?.directTlsPort,
    component: options.componentPort ?? (await freePort()),
  };
  const tls = writeTlsFiles(folder.path, account, options.hosts, options.caPem);
  const path = (name: string): string => join(folder.path, name);
  for (const name of ['database', 'logs']) {
    mkdirSync(path(name));
    if (account !== null) chownSync(path(name), account.uid, account.gid);
  }
  writeFileSync(path('ejabberd.yml'), stringify(configuration(options, tls, ports)));
  writeFileSync(path('inetrc'), inetrc(options.dns));
  const components = Object.keys(options.components ?? {}).length > 0;
  return startServer({
    name: 'ejabberd',
    command: '/usr/bin/erl',
    args: [
      ...['-noinput', '-start_epmd', 'false'],
      ...['+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'], // idle schedulers do not spin on shared cores
      ...['-mnesia', 'dir', JSON.stringify(path('database'))],
      ...['-s', 'ejabberd'],
    ],
    env: {
      ERL_LIBS: LIBRARIES,
      ERL_INETRC: path('inetrc'),
      ERL_CRASH_DUMP: path('logs/erl_crash.dump'),
      EJABBERD_CONFIG_PATH: path('ejabberd.yml'),
      EJABBERD_LOG_PATH: path('logs/ejabberd.log'),
    },
    folder: folder.path,
    remove: folder.remove,
    account,
    ports,
    ready: [ports.s2s, ports.directTls, ...(components ? [ports.component] : [])]
      .filter((port) => port !== undefined)
      .map((port) => new RegExp(`Start accepting T(?:CP|LS) connections at 127\\.0\\.0\\.1:${port} `)),
  });
}

function configuration(options: EjabberdOptions, tls: TlsFiles, ports: ServerPorts): Record<string, unknown> {
  const { dialback = true, secureAuth = false, requireEncryption = true } = options;
  const components = Object.entries(options.components ?? {});
  const attached = new Set(components.map(([domain]) => domain));
  const listener = { ip: '127.0.0.1' };
  return {
    loglevel: options.logLevel ?? 'debug',
    log_rotate_count: 0,
    hosts: options.hosts.map(({ domain }) => domain).filter((domain) => !attached.has(domain)),
    certfiles: [...tls.byDomain.values()].flatMap(({ certificate, key }) => [certificate, key]),
    ca_file: tls.caFile,
    s2s_use_starttls: requireEncryption ? 'required' : 'optional',
    s2s_timeout: `${options.s2sTimeoutSeconds ?? 20} seconds`,
    s2s_max_retry_delay: 1, // seconds; 300 otherwise
    outgoing_s2s_families: ['ipv4'],
    listen: [
      { ...listener, port: ports.s2s, module: 'ejabberd_s2s_in' },
      ...(ports.directTls === undefined
        ? []
        : [{ ...listener, port: ports.directTls, module: 'ejabberd_s2s_in', tls: true }]),
      ...(components.length === 0
        ? []
        : [
            {
              ...listener,
              port: ports.component,
              module: 'ejabberd_service',
              hosts: Object.fromEntries(components.map(([domain, password]) => [domain, { password }])),
            },
          ]),
    ],
    modules: {
      mod_ping: {},
      mod_disco: {},
      // with this module, outgoing streams never require a certificate; without it, a certificate is the only proof
      ...(dialback && !secureAuth ? { mod_s2s_dialback: {} } : {}),
    },
    ...options.settings,
  };
}

/** The configuration of the Erlang VM's own resolver: only our name server, nothing from /etc. */
function inetrc(dns: string): string {
  const [address = '', port = ''] = dns.split('@');
  return [
    '{resolv_conf, ""}.',
    '{hosts_file, ""}.',
    '{lookup, [dns]}.',
    `{nameserver, {${address.split('.').join(',')}}, ${port}}.`,
    '{cache_size, 0}.',
    '{retry, 2}.',
    '',
  ].join('\n');
}
