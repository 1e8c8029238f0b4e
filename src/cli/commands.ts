/** The table of commands. */
import type { CommandEntry } from './command.ts';

const NONE = { min: 0, max: 0 };

export const commands: Readonly<Record<string, CommandEntry>> = {
  demo: {
    synopsis: '[--keep]',
    summary: 'runs the flow chart between two providers on loopback, and reports what each scenario proved',
    options: { keep: { type: 'boolean' } },
    positionals: NONE,
    load: async () => (await import('./demo.ts')).demo,
  },
  serve: {
    synopsis: '--config FILE',
    summary: 'federates the hosts and components in FILE until SIGTERM',
    options: { config: { type: 'string' } },
    positionals: NONE,
    load: async () => (await import('./serve.ts')).serve,
  },
  check: {
    synopsis: 'DOMAIN [--from LOCAL] [--service xmpp-server|xmpp-client] [--config FILE] [--policy P]',
    summary: 'one full negotiation towards DOMAIN, without sending a stanza; what is wrong, and what to fix',
    details: [
      '--from LOCAL   our domain in the stream header. Default: the first host of FILE; without --config the name of this machine,',
      '               or xmpp-dna.invalid if that is no domain name, which some servers refuse. A client names no domain.',
      '--config FILE  that of serve: its trust, DNS and policy. If LOCAL is one of its hosts, we prove ourselves too, by SASL',
      '               EXTERNAL, else by dialback, for which dialback.secret must be that of the running server. Without FILE the',
      '               authorities of the system are trusted, and libunbound validates the DNS if it is installed.',
      '--policy P     what would happen under another policy, compared with the one in force: that of another file (which may',
      '               contain only policy), or words with commas: a federation (permissive, verified, encrypted, authenticated),',
      '               prooftypes in order (dane, pkix, posh, dialback, attribute-cert, xml-assertion, dnssec-ta), minTls=1.2|1.3.',
      '               Example: --policy encrypted,pkix,dialback. The domain is checked under both; the verdict is that under P',
      '--service S    xmpp-server, or xmpp-client: as a client sees the domain, up to the proof. Then a target in the policy is',
      '               ignored, because it applies to servers; and --policy compares nothing, because no stanzas are exchanged',
      'Exit 0: proved. 1: not proved. 2: wrong usage or configuration. 3: FILE requires libunbound; it, or a trust anchor, is missing.',
    ],
    options: {
      from: { type: 'string' },
      service: { type: 'string' },
      config: { type: 'string' },
      policy: { type: 'string' },
    },
    positionals: { min: 1, max: 1 },
    load: async () => (await import('./check.ts')).check,
  },
  explain: {
    synopsis: '(FILE [FILE2] | --inspector URL) [PAIR] [--bundle OUT [--hide-addresses]]',
    summary: 'why the negotiations in a trace, or in a running daemon, stand where they stand',
    details: [
      'FILE             a trace (.dnalog), or a bundle. With FILE2, a trace of the other end at the same time, the two are',
      '                 compared: what one end sent and the other never saw, and where they disagree',
      '--inspector URL  of a running daemon, as it prints it; a token is part of the URL: http://…/?token=…',
      'PAIR             LOCAL>REMOTE, in quotes, or REMOTE; without it, all',
      '--bundle OUT     writes everything for a bug report into one file: the explanations and the trace, as JSON Lines in gzip.',
      '                 It contains no keys, passwords or stanzas, but domains and certificates, and IP addresses unless they are',
      '                 hidden with --hide-addresses',
      'A negotiation is stuck if it failed and nothing has succeeded since; if it waits longer than usual (5 s for a server or',
      'the web, 2 s for the DNS or ourselves); or if half of the time of any wait on the way has passed.',
      'Exit 0: nothing is stuck. 1: something is stuck, has failed, or the two ends disagree. 2: wrong usage, or no trace.',
    ],
    options: {
      inspector: { type: 'string' },
      bundle: { type: 'string' },
      'hide-addresses': { type: 'boolean' },
    },
    positionals: { min: 0, max: 3 },
    load: async () => (await import('./explain.ts')).explain,
  },
  replay: {
    synopsis: 'FILE [--port N]',
    summary: 'opens a trace in the viewer',
    details: [
      'FILE       a trace (.dnalog), or a bundle',
      '--port N   port of the page on 127.0.0.1; without it, any free port. It is printed, and with --json it is in',
      '           {"event":"ready","inspector":…}',
      'It runs until SIGTERM or Ctrl-C. Exit 0: ended that way. 2: wrong usage, or no trace. 3: the page was not built.',
    ],
    options: { port: { type: 'string' } },
    positionals: { min: 1, max: 1 },
    load: async () => (await import('./replay.ts')).replay,
  },
  charts: {
    synopsis: '[--out DIR] [--format svg|mermaid|stately]',
    summary: 'writes the state charts as pictures, as Mermaid, or as JSON for the tools of Stately',
    details: [
      '--out DIR      where the files are written; ./charts without it',
      '--format F     svg (the default, with an overview), mermaid, or stately',
    ],
    options: { out: { type: 'string' }, format: { type: 'string' } },
    positionals: NONE,
    load: async () => (await import('./charts.ts')).charts,
  },
  publish: {
    synopsis:
      'CERT --domain D [--target HOST --port N --direct-port N] [--service xmpp-server|xmpp-client]\n' +
      '    [--usage U --selector S --matching M] [--ttl SECONDS] [--expires SECONDS] [--posh-url URL]\n' +
      '    [--only zone|posh|reference]',
    summary: 'SRV and TLSA records and the POSH document for a certificate',
    options: {
      domain: { type: 'string' },
      service: { type: 'string' },
      target: { type: 'string' },
      port: { type: 'string' },
      'direct-port': { type: 'string' },
      usage: { type: 'string' },
      selector: { type: 'string' },
      matching: { type: 'string' },
      ttl: { type: 'string' },
      expires: { type: 'string' },
      'posh-url': { type: 'string' },
      only: { type: 'string' },
    },
    positionals: { min: 1, max: 1 },
    load: async () => (await import('./publish.ts')).publish,
  },
};

/** The usage of all commands, or of one. */
export function usage(name: string | null): string {
  const entry = name === null ? undefined : commands[name];
  if (name !== null && entry !== undefined) {
    const usage = `usage: xmpp-dna ${name} ${entry.synopsis}`.trimEnd() + ' [--json]';
    return [usage, entry.summary, ...(entry.details ?? [])].join('\n  ');
  }
  const lines = Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(8)} ${summary}`);
  return [
    'usage: xmpp-dna COMMAND [OPTIONS] [--json]',
    '',
    ...lines,
    '',
    'xmpp-dna COMMAND --help says more; --version',
  ].join('\n');
}
