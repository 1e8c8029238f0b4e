/** From a domain to its fingerprints, through at most one reference (RFC 7711 §3). */
import type { Clock } from '../../ports.ts';
import { FaultError } from '../../protocol/faults.ts';
import { type PoshCondition, poshFault } from '../../protocol/posh-conditions.ts';
import { type PoshDocument, type PoshMaterial, poshUrl, readPoshDocument } from '../../protocol/posh.ts';
import type { Service } from '../../protocol/service.ts';

/** The response to a request for a document, after redirects. */
export interface PoshAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly url: string;
}

export type GetDocument = (url: string) => Promise<PoshAnswer>;

/** Longest time that a document is trusted, so that a mistake does not last for years (RFC 7711 §6 allows less). */
const MAX_LIFETIME_SECONDS = 86_400;

/** @throws FaultError `posh`; whatever `get` throws */
export async function findMaterial(
  domain: string,
  service: Service,
  get: GetDocument,
  clock: Pick<Clock, 'now'>,
): Promise<PoshMaterial> {
  const first = await readFrom(poshUrl(domain, service), 'document-missing', get);
  // A 404 means "no POSH" only when it comes from the domain itself (RFC 7711 §3).
  const last = first.kind === 'reference' ? await readFrom(first.url, 'document-unavailable', get) : first;
  if (last.kind === 'reference') throw refused('reference-to-reference', `${last.from} refers to ${last.url}`);
  // Of two documents, the one that expires first counts (RFC 7711 §6).
  const expiresSeconds = Math.min(first.expiresSeconds, last.expiresSeconds, MAX_LIFETIME_SECONDS);
  return { fingerprints: last.fingerprints, expiresAtMs: clock.now() + expiresSeconds * 1_000, url: last.from };
}

type UsableDocument = Exclude<PoshDocument, { readonly kind: 'unusable' }> & { readonly from: string };

async function readFrom(wanted: string, whenNotFound: PoshCondition, get: GetDocument): Promise<UsableDocument> {
  const { status, body, url } = await get(wanted);
  if (status === 404) throw refused(whenNotFound, `${url}: 404`);
  if (status < 200 || status >= 300) throw refused('document-unavailable', `${url}: ${status}`);
  const document = readPoshDocument(body);
  if (document.kind === 'unusable') throw refused(document.condition, `${url}: ${document.text}`);
  return { ...document, from: url };
}

function refused(condition: PoshCondition, text: string): FaultError {
  return new FaultError(poshFault(condition, text));
}
