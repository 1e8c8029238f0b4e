/** RDATA of the few types that are asked for, as bytes without compression; what cannot be read stays visible as unfit. */
import { SocketAddress } from 'node:net';
import { readTlsa, type TlsaRecord } from '../../protocol/tlsa.ts';
import type { SrvFields } from './outcome.ts';

/** What nobody takes for a name, or an address. */
export const UNREADABLE = '\ufffd';
/** Largest RDATA that is kept, in bytes: certificates of today have a quarter of it, a message 64 KiB. */
export const MAX_TLSA_BYTES = 8_192;

/** RFC 2782: priority, weight, port, target. */
export function srvFields(rdata: Buffer): SrvFields {
  const NUMBERS = 6;
  if (rdata.length <= NUMBERS) return { priority: 0, weight: 0, port: 0, target: UNREADABLE };
  const [priority, weight, port] = [rdata.readUInt16BE(0), rdata.readUInt16BE(2), rdata.readUInt16BE(4)];
  return { priority, weight, port, target: nameIn(rdata.subarray(NUMBERS)) };
}

/** A name in wire form (RFC 1035 §3.1) as text; labels with other than printable ASCII, or a dot, are no host's. */
export function nameIn(wire: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; at < wire.length;) {
    const length = wire[at] as number;
    if (length === 0) return labels.length === 0 ? '.' : labels.join('.');
    const label = wire.toString('latin1', at + 1, at + 1 + length);
    if (label.length < length || !/^[!-~]+$/.test(label) || label.includes('.')) return UNREADABLE;
    labels.push(label);
    at += 1 + length;
  }
  return UNREADABLE;
}

/** An address as text; the length says of which family. */
export function addressText(rdata: Buffer): string {
  if (rdata.length === 4) return rdata.join('.');
  if (rdata.length !== 16) return UNREADABLE;
  const groups = Array.from({ length: 8 }, (_, i) => rdata.readUInt16BE(2 * i).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/**
 * A record that cannot be read, or is too large, is one of no known usage: without it, a set that is broken would look like
 * none, and neither TLS nor a proof would be asked for (RFC 6698 §4.1, RFC 7673 §4.1).
 */
export function tlsaRecord(rdata: Uint8Array): TlsaRecord {
  return (
    (rdata.length > MAX_TLSA_BYTES ? null : readTlsa(rdata)) ?? { usage: -1, selector: -1, matching: -1, data: '' }
  );
}
