/** Parses uncompressed RDATA of the few types that are asked for; unreadable records stay visible as unusable. */
import { SocketAddress } from 'node:net';
import { readTlsa, type TlsaRecord } from '../../protocol/tlsa.ts';
import type { SrvFields } from './outcome.ts';

/** Stands in for an unreadable name or address; it is valid as neither. */
export const UNREADABLE = '\ufffd';
/** Largest RDATA that is kept, in bytes: certificates of today take a quarter of it; a message may hold 64 KiB. */
export const MAX_TLSA_BYTES = 8_192;

/** RFC 2782: priority, weight, port, target. */
export function srvFields(rdata: Buffer): SrvFields {
  const NUMBERS = 6;
  if (rdata.length <= NUMBERS) return { priority: 0, weight: 0, port: 0, target: UNREADABLE };
  const [priority, weight, port] = [rdata.readUInt16BE(0), rdata.readUInt16BE(2), rdata.readUInt16BE(4)];
  return { priority, weight, port, target: nameIn(rdata.subarray(NUMBERS)) };
}

/** A name in wire form (RFC 1035 §3.1) as text; no host has labels with a dot, or other than printable ASCII. */
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

/** An address as text; the length gives its family. */
export function addressText(rdata: Buffer): string {
  if (rdata.length === 4) return rdata.join('.');
  if (rdata.length !== 16) return UNREADABLE;
  const groups = Array.from({ length: 8 }, (_, i) => rdata.readUInt16BE(2 * i).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/**
 * A record that is unreadable or too large gets an unknown usage. If it were dropped, a broken set would look like an
 * absent one, and neither TLS nor a proof would be required (RFC 6698 §4.1, RFC 7673 §4.1).
 */
export function tlsaRecord(rdata: Uint8Array): TlsaRecord {
  return (
    (rdata.length > MAX_TLSA_BYTES ? null : readTlsa(rdata)) ?? { usage: -1, selector: -1, matching: -1, data: '' }
  );
}
