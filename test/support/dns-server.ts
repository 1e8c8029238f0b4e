/**
 * An authoritative name server on a high loopback port, whose records may change at any time: the DNS of the interop
 * tests.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE } from 'dns-packet';
import type { Answer, DecodedPacket, Packet, Question } from 'dns-packet';

export type DnsRecord =
  | {
      readonly type: 'SRV';
      readonly target: string;
      readonly port: number;
      readonly priority?: number;
      readonly weight?: number;
    }
  | { readonly type: 'A' | 'AAAA'; readonly address: string };

/** How a name fails: with SERVFAIL, or with no answer at all. */
export type DnsFailure = 'servfail' | 'silent';

export interface DnsServer {
  readonly port: number;
  /** `127.0.0.1@PORT`, as libunbound writes it. */
  readonly address: string;
  /** Names queried so far, as `TYPE name`, oldest first. */
  readonly queries: readonly string[];
  /** Replaces all records of a name; with no records, the name does not exist. */
  set(name: string, records: readonly DnsRecord[]): void;
  fail(name: string, failure: DnsFailure): void;
  /**
   * Publishes where a service domain is served: its SRV records. A port that is absent gets no SRV record. The target
   * host is `localhost` by default: ejabberd asks libc for addresses, and libc knows that name from /etc/hosts.
   */
  serve(
    domain: string,
    at: { readonly port?: number | undefined; readonly directTlsPort?: number | undefined; readonly target?: string },
  ): void;
  close(): Promise<void>;
}

const TTL_SECONDS = 0; // nobody may cache an answer: tests change them

/** Starts it, on UDP and TCP, at a free port. */
export async function startDnsServer(): Promise<DnsServer> {
  const table = new Map<string, readonly DnsRecord[] | DnsFailure>();
  const queries: string[] = [];
  const connections = new Set<Socket>();

  const answer = (query: DecodedPacket): Buffer | null => {
    const question = query.questions?.[0];
    const entry = question === undefined ? undefined : table.get(canonical(question.name));
    if (question !== undefined) queries.push(`${question.type} ${canonical(question.name)}`);
    if (entry === 'silent') return null;
    return encode(response(query, question, entry));
  };

  const tcp = createServer((socket) => {
    connections.add(socket.once('close', () => connections.delete(socket)).on('error', () => undefined));
    messagesIn(socket, (message) => {
      const bytes = answer(decode(message));
      if (bytes !== null) socket.write(framed(bytes));
    });
  });
  const { udp, port } = await bindBoth(tcp);
  udp.on('message', (message, sender) => {
    const bytes = answer(decode(message));
    if (bytes !== null) udp.send(bytes, sender.port, sender.address);
  });

  const set = (name: string, records: readonly DnsRecord[]): void => {
    if (records.length === 0) table.delete(canonical(name));
    else table.set(canonical(name), records);
  };
  return {
    port,
    address: `127.0.0.1@${port}`,
    queries,
    set,
    fail: (name, failure) => void table.set(canonical(name), failure),
    serve: (domain, { port: startTlsPort, directTlsPort, target = 'localhost' }) => {
      const srv = (at: number | undefined): DnsRecord[] =>
        at === undefined ? [] : [{ type: 'SRV', target, port: at }];
      set(`_xmpp-server._tcp.${domain}`, srv(startTlsPort));
      set(`_xmpps-server._tcp.${domain}`, srv(directTlsPort));
      set(target, [{ type: 'A', address: '127.0.0.1' }]);
    },
    close: async () => {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(resolve)),
        new Promise((resolve) => tcp.close(resolve)),
      ]);
    },
  };
}

/** Calls `heard` with each message that arrives over TCP, where a length precedes it (RFC 1035 §4.2.2). */
export function messagesIn(socket: Socket, heard: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      heard(pending.subarray(2, end));
      pending = pending.subarray(end);
    }
  });
}

/** A message in its form for TCP. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, '');

function response(
  query: DecodedPacket,
  question: Question | undefined,
  entry: readonly DnsRecord[] | 'servfail' | undefined,
): Packet {
  const records = Array.isArray(entry) ? (entry as readonly DnsRecord[]) : [];
  const name = question?.name ?? '.';
  const answers = records.filter((record) => record.type === question?.type).map((record) => toAnswer(name, record));
  const NXDOMAIN = 3;
  const SERVFAIL = 2;
  const rcode = entry === 'servfail' ? SERVFAIL : entry === undefined ? NXDOMAIN : 0;
  return {
    id: query.id ?? 0,
    type: 'response',
    flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((query.flags ?? 0) & 0x0100) | rcode,
    questions: question === undefined ? [] : [question],
    answers,
    // RFC 2308 §3: how long a negative answer may be cached
    authorities: answers.length > 0 || rcode === SERVFAIL ? [] : [soa(name)],
  };
}

function soa(name: string): Answer {
  const zone = name.slice(name.lastIndexOf('.') + 1);
  const data = {
    mname: `ns.${zone}`,
    rname: `nobody.${zone}`,
    serial: 1,
    refresh: 60,
    retry: 60,
    expire: 60,
    minimum: 0,
  };
  return { type: 'SOA', name: zone, ttl: TTL_SECONDS, data };
}

function toAnswer(name: string, record: DnsRecord): Answer {
  if (record.type !== 'SRV') return { type: record.type, name, ttl: TTL_SECONDS, data: record.address };
  const { target, port, priority = 0, weight = 0 } = record;
  return { type: 'SRV', name, ttl: TTL_SECONDS, data: { target, port, priority, weight } };
}

/** Binds UDP and TCP to the same port number; tries again if the TCP port is in use. */
export async function bindBoth(tcp: Server): Promise<{ udp: UdpSocket; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const udp = createSocket('udp4');
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    const { port } = udp.address();
    const taken = await new Promise<Error | null>((resolve) => {
      tcp.once('error', resolve).listen(port, '127.0.0.1', () => {
        tcp.removeListener('error', resolve);
        resolve(null);
      });
    });
    if (taken === null) return { udp, port };
    udp.close();
    if (attempt === 5) throw taken;
  }
}
