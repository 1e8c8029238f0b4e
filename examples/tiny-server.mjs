/**
 * A tiny XMPP server in one file: clients log in over direct TLS (XEP-0368) with SCRAM (RFC 5802, RFC 7677) and talk to
 * each other and to the world. The connection manager does all of server-to-server; this file is what a server adds to
 * it.
 *
 *     node examples/tiny-server.mjs                       a domain of its own, on loopback, with two users; says how to
 *     log in node examples/tiny-server.mjs --domain d.example --cert d.crt --key d.key --user juliet:secret --address
 *     0.0.0.0
 *
 * Left out, so that it stays tiny: rosters, subscriptions, offline messages, a database. Contacts are not notified of
 * who is online, and a message for somebody who is offline is returned.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { parseArgs } from 'node:util';
import {
  answerUnattended,
  ConnectionManager,
  createCertificateAuthority,
  createNodePorts,
  Parser,
  Stanza,
  xml,
} from 'xmpp-dna';

const { values: options } = parseArgs({
  options: {
    domain: { type: 'string', default: 'tiny.example' },
    address: { type: 'string', default: '127.0.0.1' },
    c2s: { type: 'string', default: '5223' },
    s2s: { type: 'string', default: '5269' },
    user: { type: 'string', multiple: true, default: ['romeo:wherefore', 'juliet:art-thou'] },
    cert: { type: 'string' },
    key: { type: 'string' },
    /** An additional trust anchor besides those of the system, PEM. */
    ca: { type: 'string' },
    /** A name server, such as `127.0.0.1@5353`; those of the system if absent. */
    dns: { type: 'string' },
  },
});
const { domain, address } = options;

const NS = {
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  client: 'jabber:client',
  roster: 'jabber:iq:roster',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  session: 'urn:ietf:params:xml:ns:xmpp-session',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  streams: 'urn:ietf:params:xml:ns:xmpp-streams',
};
/** Mechanisms in order of preference, with their hash. */
const MECHANISMS = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-1': 'sha1' };
const ITERATIONS = 4096;
/** Maximum bytes of one stanza, and of the data buffered for a client that does not read. */
const MAX_STANZA_BYTES = 262_144;
const MAX_UNREAD_BYTES = 4 * MAX_STANZA_BYTES;
/** Maximum stanzas of one client under way; above this, the client is not read from. */
const MAX_UNDER_WAY = 50;
const LOGIN_TIMEOUT_MS = 30_000;
/** On one connection (RFC 6120 §6.4.5 asks for at least two tries). */
const MAX_LOGIN_FAILURES = 3;

// ——— the world: one connection manager

const credential =
  options.cert && options.key
    ? { cert: readFileSync(options.cert, 'utf8'), key: readFileSync(options.key, 'utf8') }
    : ownCredential();
const hosts = { [domain]: credential };
const ports = createNodePorts({
  hosts,
  trust: { anchors: options.ca ? [readFileSync(options.ca, 'utf8')] : [] },
  dns: { servers: options.dns ? [options.dns] : [] },
});
const manager = new ConnectionManager(
  { hosts, listen: [{ address, port: Number(options.s2s), tls: 'detect' }] },
  ports,
);

/**
 * Every stanza addressed to our domain arrives here: from other servers, from our own users, and errors that come back.
 */
manager.stanzas$.subscribe((stanza) => {
  const { user, resource } = parseJid(stanza.to ?? '');
  const answer = user === undefined ? answerUnattended(stanza) : deliver(stanza, user, resource);
  if (answer) void manager.send(answer);
});

// ——— who is here

/** Bound sessions, by user and resource. */
const online = new Map();

function parseJid(jid) {
  const [, user, host, resource] = /^(?:([^@/]+)@)?([^@/]+)(?:\/(.+))?$/s.exec(jid) ?? [];
  return { user: user?.toLowerCase(), host: host?.toLowerCase(), resource };
}

/** Delivers a stanza to a user's clients; returns the stanza error to send when there are none (RFC 6121 §8.5). */
function deliver(stanza, user, resource) {
  const sessions = online.get(user) ?? new Map();
  const named = sessions.get(resource);
  const clients = named ? [named] : [...sessions.values()].filter(({ available }) => available);
  const forAll = stanza.kind === 'presence' || (stanza.kind === 'message' && stanza.type !== 'error');
  if (named === undefined && (!forAll || clients.length === 0)) {
    return stanza.kind === 'presence' ? null : stanza.errorReply('service-unavailable', 'cancel');
  }
  for (const client of clients) client.write(stanza.relay(NS.client));
  return null;
}

// ——— passwords

/** What the server keeps of a password, per mechanism (RFC 5802 §3): it verifies a login and cannot be used for one. */
function scramKeys(password, hash, salt = randomBytes(16)) {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, hash === 'sha256' ? 32 : 20, hash);
  const clientKey = hmac(hash, salted, 'Client Key');
  return { salt, storedKey: createHash(hash).update(clientKey).digest(), serverKey: hmac(hash, salted, 'Server Key') };
}

function hmac(hash, key, text) {
  return createHmac(hash, key).update(text).digest();
}

const users = new Map(
  options.user.map((entry) => {
    const [, user, password] = /^([^:]+):(.+)$/.exec(entry) ?? [];
    if (user === undefined) throw new TypeError(`--user ${entry}: expected NAME:PASSWORD`);
    const keys = Object.values(MECHANISMS).map((hash) => [hash, scramKeys(password, hash)]);
    return [user.toLowerCase(), Object.fromEntries(keys)];
  }),
);
const strangerSecret = randomBytes(32);

/** One SCRAM exchange, the server's side (RFC 5802 §5). */
class Scram {
  constructor(hash) {
    this.hash = hash;
  }

  /** Takes the client's first message; returns the challenge, or null when the message cannot be understood. */
  challenge(message) {
    const [, header, bare, name, nonce] = /^([ny],(?:a=[^,]*)?,)(n=([^,]+),r=([^,]+).*)$/s.exec(message) ?? [];
    if (nonce === undefined) return null;
    this.user = name.replaceAll('=2C', ',').replaceAll('=3D', '=').toLowerCase();
    // Unknown users get a salt too, always the same: an attacker must not learn which users exist.
    const salt = hmac('sha256', strangerSecret, this.user).subarray(0, 16);
    this.keys = users.get(this.user)?.[this.hash] ?? scramKeys(randomBytes(16).toString('hex'), this.hash, salt);
    this.header = Buffer.from(header).toString('base64');
    this.nonce = nonce + randomBytes(18).toString('base64');
    const challenge = `r=${this.nonce},s=${this.keys.salt.toString('base64')},i=${ITERATIONS}`;
    this.authMessage = `${bare},${challenge}`;
    return challenge;
  }

  /**
   * Takes the client's last message; returns the proof that we know the password as well, or null when the client does
   * not.
   */
  verify(message) {
    const [, unproved, binding, nonce, proof] = /^(c=([^,]+),r=([^,]+).*),p=([^,]+)$/s.exec(message) ?? [];
    if (proof === undefined || binding !== this.header || nonce !== this.nonce) return null;
    const { storedKey, serverKey } = this.keys;
    const authMessage = `${this.authMessage},${unproved}`;
    const signature = hmac(this.hash, storedKey, authMessage);
    const proved = Buffer.from(proof, 'base64');
    if (proved.length !== signature.length) return null;
    const clientKey = proved.map((byte, index) => byte ^ signature[index]);
    if (!timingSafeEqual(createHash(this.hash).update(clientKey).digest(), storedKey)) return null;
    return `v=${hmac(this.hash, serverKey, authMessage).toString('base64')}`;
  }
}

// ——— one client

class Client {
  available = false;
  #socket;
  #parser;
  #late;
  #sinceElement = 0;
  #underWay = 0;
  #failures = 0;
  #scram;
  #user;
  #resource;

  constructor(socket) {
    this.#socket = socket;
    this.#restart();
    this.#late = setTimeout(() => this.#fail('connection-timeout'), LOGIN_TIMEOUT_MS);
    socket.setEncoding('utf8').on('error', () => undefined);
    socket.on('data', (text) => this.#read(text));
    socket.on('close', () => {
      clearTimeout(this.#late);
      online.get(this.#user)?.delete(this.#resource);
    });
  }

  get jid() {
    return `${this.#user}@${domain}/${this.#resource}`;
  }

  write(bytes) {
    if (!this.#socket.writableEnded) this.#socket.write(bytes);
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.destroy();
  }

  end() {
    if (!this.#socket.writableEnded) this.#socket.end('</stream:stream>');
  }

  #read(text) {
    if (this.#socket.writableEnded) return;
    this.#sinceElement += text.length;
    if (this.#sinceElement > MAX_STANZA_BYTES) return this.#fail('policy-violation');
    try {
      this.#parser.write(text);
    } catch {
      this.#fail('not-well-formed'); // characters that XML does not allow, or excessive nesting
    }
  }

  /** A stream starts, or restarts after the login (RFC 6120 §6.4.6). */
  #restart() {
    const parser = new Parser();
    parser.on('start', (header) => this.#open(header));
    parser.on('element', (element) => {
      this.#sinceElement = 0;
      if (this.#parser === parser && !this.#socket.writableEnded) this.#take(element);
    });
    parser.on('end', () => this.end());
    parser.on('error', () => this.#fail('not-well-formed'));
    this.#parser = parser;
  }

  #open(header) {
    this.write(
      `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='http://etherx.jabber.org/streams' ` +
        `from='${domain}' id='${randomBytes(12).toString('hex')}' version='1.0'>`,
    );
    if (header.attrs.to?.toLowerCase() !== domain) return this.#fail('host-unknown');
    const names = Object.keys(MECHANISMS).map((name) => xml('mechanism', {}, name));
    const feature = this.#user ? xml('bind', { xmlns: NS.bind }) : xml('mechanisms', { xmlns: NS.sasl }, ...names);
    this.write(xml('stream:features', {}, feature).toString());
  }

  #take(element) {
    if (this.#user === undefined) this.#authenticate(element);
    else if (this.#resource === undefined) this.#bind(element);
    else if (['message', 'presence', 'iq'].includes(element.name)) this.#stanza(element);
    else this.#fail('unsupported-stanza-type');
  }

  #authenticate(element) {
    const message = Buffer.from(element.getText(), 'base64').toString();
    let answer = null;
    if (element.is('auth', NS.sasl) && Object.hasOwn(MECHANISMS, element.attrs.mechanism)) {
      this.#scram = new Scram(MECHANISMS[element.attrs.mechanism]);
      answer = this.#scram.challenge(message);
    } else if (element.is('response', NS.sasl) && this.#scram) {
      answer = this.#scram.verify(message);
      if (answer !== null) this.#user = this.#scram.user;
      this.#scram = undefined;
    }
    if (answer === null) {
      this.write(xml('failure', { xmlns: NS.sasl }, xml('not-authorized')).toString());
      this.#failures += 1;
      if (this.#failures === MAX_LOGIN_FAILURES) this.end();
      return;
    }
    const name = this.#user === undefined ? 'challenge' : 'success';
    this.write(xml(name, { xmlns: NS.sasl }, Buffer.from(answer).toString('base64')).toString());
    if (this.#user !== undefined) this.#restart();
  }

  #bind(element) {
    const { id } = element.attrs;
    if (!element.is('iq') || !element.getChild('bind', NS.bind)) return this.#fail('not-authorized');
    this.#resource = randomBytes(6).toString('hex'); // the server may choose (RFC 6120 §7.7)
    if (!online.has(this.#user)) online.set(this.#user, new Map());
    online.get(this.#user).set(this.#resource, this);
    const bound = xml('bind', { xmlns: NS.bind }, xml('jid', {}, this.jid));
    this.write(xml('iq', { type: 'result', id }, bound).toString());
    clearTimeout(this.#late);
    console.log(`${this.jid} has logged in`);
  }

  /** The server, not the client, sets the sender of a stanza (RFC 6120 §8.1.2.1); the manager knows where it goes. */
  #stanza(element) {
    element.attrs.from = this.jid;
    delete element.attrs.xmlns;
    if (element.attrs.to === undefined) {
      if (element.is('iq')) return this.#account(element);
      if (element.is('presence')) return this.#presence(element);
      element.attrs.to = `${this.#user}@${domain}`;
    }
    this.#underWay += 1;
    if (this.#underWay > MAX_UNDER_WAY) this.#socket.pause();
    // What cannot be sent comes back automatically, as a stanza error to this client.
    const sent = manager.send(Stanza.fromElement(element, 'jabber:server'));
    void sent.then(() => {
      this.#underWay -= 1;
      this.#socket.resume();
    });
  }

  #presence(element) {
    if (element.attrs.type !== undefined && element.attrs.type !== 'unavailable') return;
    this.available = element.attrs.type === undefined;
    if (this.available) console.log(`${this.jid} is available`);
  }

  /** Requests to one's own account: an empty roster, the session of RFC 3921, and an error for everything else. */
  #account({ attrs: { id, type }, children: [request] }) {
    if (type !== 'get' && type !== 'set') return;
    if (type === 'get' && request?.is?.('query', NS.roster)) {
      return this.write(xml('iq', { type: 'result', id }, xml('query', { xmlns: NS.roster })).toString());
    }
    if (request?.is?.('session', NS.session)) return this.write(xml('iq', { type: 'result', id }).toString());
    const condition = xml('service-unavailable', { xmlns: NS.stanzas });
    this.write(xml('iq', { type: 'error', id }, xml('error', { type: 'cancel' }, condition)).toString());
  }

  #fail(condition) {
    this.write(xml('stream:error', {}, xml(condition, { xmlns: NS.streams })).toString());
    this.end();
  }
}

// ——— start and stop

const clients = new Set();
const listener = createServer({ ...credential, ALPNProtocols: ['xmpp-client'], minVersion: 'TLSv1.2' }, (socket) => {
  const client = new Client(socket);
  clients.add(client);
  socket.on('close', () => clients.delete(client));
});
await manager.start();
await new Promise((resolve) => listener.listen(Number(options.c2s), address, resolve));
console.log(`servers: ${address} port ${manager.listening[0].port}`);
console.log(`clients: ${address} port ${listener.address().port}, direct TLS; users: ${[...users.keys()].join(', ')}`);

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    listener.close();
    for (const client of clients) client.end();
    void manager.stop();
  });
}

/**
 * For a first try: a certificate from an authority that is created now, which clients have to be configured to trust.
 */
function ownCredential() {
  const authority = createCertificateAuthority({ name: `Authority of ${domain}` });
  const file = join(mkdtempSync(join(tmpdir(), 'tiny-server-')), 'ca.pem');
  writeFileSync(file, authority.certPem);
  console.log(`a certificate of our own; clients have to trust ${file}`);
  return authority.issue({ dnsNames: [domain, 'localhost'] });
}
