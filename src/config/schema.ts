/** The shape of the configuration file: its keys, and the values that each may hold. */
import { isIP } from 'node:net';
import { isMap } from 'yaml';
import { limitBounds, MIN_SECRET_CHARACTERS, traceFileBounds } from '../options.ts';
import { canonicalDomain, canonicalPattern } from '../protocol/names.ts';
import { FEDERATIONS, PROOFTYPES, TLS_MODES, TLS_VERSIONS } from '../protocol/policy.ts';
import type { PemFiles } from './credentials.ts';
import {
  andThen,
  boolean,
  integer,
  isAbsent,
  list,
  located,
  oneOf,
  optional,
  parsed,
  record,
  required,
  secret,
  table,
} from './decoders.ts';
import { refused, type Refused } from './spot.ts';

const DNS_PORT = 53;

const path = parsed('the path of a file', (text) => text);
const file = located(path);
const domain = parsed('a domain name', canonicalDomain);
/** In the lists a domain also covers those below it; patterns are refused, since they would only seem to mean more. */
const domainAndBelow = parsed('a domain name, which covers the domains below it too', canonicalDomain);
const address = parsed('an IP address', (text) => (isIP(text) !== 0 || text === 'localhost' ? text : null));
/** 0 means any free port. */
const listenPort = integer(0, 65_535, 'a port');
const peerPort = integer(1, 65_535, 'a port');

/** A domain, or `*.suffix` for everything below it; canonical. */
const domainPattern = parsed('a domain or "*.suffix"', canonicalPattern);

/** `127.0.0.1@5399`, `::1@5399`, or an address alone for port 53; normalised to `127.0.0.1@5399`, `[::1]@5399`. */
const serverAddress = parsed('an address such as "127.0.0.1@53"', (text) => {
  const at = text.lastIndexOf('@');
  const host = (at === -1 ? text : text.slice(0, at)).replace(/^\[(.*)\]$/, '$1');
  const port = at === -1 ? DNS_PORT : Number(text.slice(at + 1));
  if (isIP(host) === 0 || !Number.isInteger(port) || port < 1 || port > 65_535) return null;
  return `${isIP(host) === 6 ? `[${host}]` : host}@${port}`;
});

/** A zone may be a top-level domain, or the root. */
const zone = parsed('a zone name', (text) => (text === '.' ? text : canonicalDomain(text)));

const listener = { address: required(address), port: required(listenPort) };

const federation = located(oneOf(...FEDERATIONS));
const prooftypes = located(list(oneOf(...PROOFTYPES)));
const proof = {
  federation: optional(federation),
  prooftypes: optional(prooftypes),
  minTls: optional(oneOf(...TLS_VERSIONS)),
};

const target = record({
  host: required(parsed('a host name or an IP address', canonicalDomain)),
  port: required(peerPort),
  tls: optional(oneOf(...TLS_MODES)),
});

const policy = record({
  ...proof,
  allow: optional(list(domainAndBelow)),
  deny: optional(list(domainAndBelow)),
  domains: optional(
    table('of domains to policies', domainPattern, located(record({ ...proof, target: optional(target) }))),
  ),
});

const limits = record({
  stanzaBytes: optional(located(integer(...limitBounds.stanzaBytes, 'a size in bytes'))),
  preAuthBytes: optional(integer(...limitBounds.preAuthBytes, 'a size in bytes')),
  queueStanzas: optional(integer(...limitBounds.queueStanzas, 'a number of stanzas')),
  queueBytes: optional(located(integer(...limitBounds.queueBytes, 'a size in bytes'))),
  bytesPerSecond: optional(integer(...limitBounds.bytesPerSecond, 'a number of bytes')),
  connectionsPerSecond: optional(integer(...limitBounds.connectionsPerSecond, 'a number of connections')),
});

const traceFileBytes = integer(...traceFileBounds, 'a size in bytes');

/** Decodes the whole file; the PEM files that it names are read in the process. */
export function configFile(pem: PemFiles) {
  const proof = optional(andThen(file, (one) => pem.proof(one)));
  const proofs = record({ 'attribute-cert': proof, 'xml-assertion': proof, 'dnssec-ta': proof });
  const ownHost = andThen(
    record({ cert: optional(file), key: optional(file), proofs: optional(proofs) }),
    ({ cert, key, proofs = {} }, spot) => {
      if (cert === undefined && key === undefined && Object.keys(proofs).length > 0)
        return { credential: null, proofs };
      if (cert === undefined || key === undefined) {
        if (cert === undefined) spot.below('cert', null).problem('is missing');
        return key === undefined ? spot.below('key', null).problem('is missing') : refused;
      }
      const credential = pem.credential({ cert, key });
      return credential === refused ? refused : { credential, proofs };
    },
  );
  // A host without its own certificate uses that of a host whose certificate names it, or of a parent host.
  const host = located((spot) => (isAbsent(spot) ? { credential: null, proofs: {} } : ownHost(spot)));
  // A component is either its secret alone, or a mapping that may also have its own certificate.
  const ownCertificate = andThen(
    record({ secret: required(secret(1)), cert: optional(file), key: optional(file) }),
    ({ secret, cert, key }, spot) => {
      if (cert === undefined && key === undefined) return { secret, credential: null };
      if (cert === undefined || key === undefined) {
        return spot.below(key === undefined ? 'key' : 'cert', null).problem('is missing: a certificate needs its key');
      }
      const credential = pem.credential({ cert, key });
      return credential === refused ? refused : { secret, credential };
    },
  );
  const alone = andThen(secret(1), (text) => ({ secret: text, credential: null }));
  const component = located((spot) => (isMap(spot.node) ? ownCertificate(spot) : alone(spot)));

  return record({
    hosts: optional(table('of domains to { cert, key, proofs }', domain, host)),
    listen: optional(list(located(record({ ...listener, tls: optional(oneOf('starttls', 'direct', 'detect')) })))),
    components: optional(
      list(located(record({ ...listener, domains: required(table('of domains to secrets', domain, component)) }))),
    ),
    trust: optional(
      record({
        system: optional(boolean),
        files: optional(list(andThen(file, (one) => pem.certificates(one)))),
      }),
    ),
    dns: optional(
      record({
        validator: optional(located(oneOf('libunbound', 'trusted-resolver', 'none'))),
        servers: optional(list(located(serverAddress))),
        // Whether a trusted resolver may be on another machine.
        trustRemote: optional(located(boolean)),
        stubs: optional(located(table('of zones to addresses', zone, serverAddress))),
        trustAnchors: optional(located(list(andThen(file, (one) => pem.trustAnchors(one))))),
      }),
    ),
    posh: optional(
      record({
        enabled: optional(boolean),
        system: optional(boolean),
        files: optional(list(andThen(file, (one) => pem.certificates(one)))),
        allowPrivate: optional(boolean),
        port: optional(peerPort),
      }),
    ),
    policy: optional(policy),
    bidi: optional(boolean),
    dialback: optional(record({ secret: optional(secret(MIN_SECRET_CHARACTERS)) })),
    limits: optional(limits),
    inspector: optional(located(record({ ...listener, token: optional(secret(MIN_SECRET_CHARACTERS)) }))),
    metrics: optional(located(record({ ...listener, token: optional(secret(MIN_SECRET_CHARACTERS)) }))),
    trace: optional(located(record({ file: required(located(path)), fileBytes: optional(traceFileBytes) }))),
  });
}

/** The file as decoded; values that are checked against others keep their spot. */
export type ConfigFile = Exclude<ReturnType<ReturnType<typeof configFile>>, Refused>;
