/** What the logs of Prosody 0.12 and ejabberd 23.01 say about how a domain was proved, in either direction. */
import type { Kind } from './stage.ts';

type Method = 'EXTERNAL' | 'dialback';

const quoted = (domain: string): string => domain.replaceAll('.', '\\.');

/** The server has accepted `from` as the sender of a stream that we opened to its domain `to`. */
export function acceptedInbound(kind: Kind, method: Method, from: string, to: string): RegExp {
  if (kind === 'ejabberd')
    return new RegExp(`Accepted inbound s2s ${method} authentication ${quoted(from)} -> ${quoted(to)} `);
  return method === 'EXTERNAL'
    ? new RegExp(`Accepting SASL EXTERNAL identity from ${quoted(from)}$`, 'm')
    : new RegExp(
        `asking ${quoted(from)} if key \\w+ belongs to them[^]*Received\\[s2sout\\w*\\]: <verify [^>]*type='valid'`,
      );
}

/** We have accepted `from` as the sender of a stream that the server opened to our domain `to`. */
export function acceptedOutbound(kind: Kind, method: Method, from: string, to: string): RegExp {
  if (kind === 'ejabberd')
    return new RegExp(`Accepted outbound s2s ${method} authentication ${quoted(from)} -> ${quoted(to)} `);
  return method === 'EXTERNAL'
    ? new RegExp(`SASL EXTERNAL with ${quoted(to)} succeeded`)
    : new RegExp(`sent dialback key on outgoing[^]*Received\\[s2sout\\w*\\]: <result [^>]*type='valid'`);
}
