/** POSH over HTTPS (RFC 7711 §3), cached for as long as the documents allow (§6). */
import type { PoshSource } from '../../ports.ts';
import { FaultError, toFault } from '../../protocol/faults.ts';
import { canonicalDomain } from '../../protocol/names.ts';
import { poshFault } from '../../protocol/posh-conditions.ts';
import { MAX_DOCUMENT_BYTES, poshUrl } from '../../protocol/posh.ts';
import { systemClock } from '../clock.ts';
import { createHttpsClient, type HttpsClient, type HttpsOptions } from '../https/client.ts';
import { HttpsError } from '../https/failure.ts';
import { findMaterial } from './find-material.ts';
import { type PoshFinding, PoshMemory } from './memory.ts';
import { SharedQuestions } from './shared-questions.ts';

/** One turn is one question, in which both documents of a reference are fetched. */
export interface PoshSourceOptions extends Omit<HttpsOptions, 'maxBodyBytes'> {
  /** Used instead of a client of its own; the owner closes it. */
  readonly client?: HttpsClient;
}

export interface WebPoshSource extends PoshSource {
  /** Cancels the fetches under way and all later ones, unless `options.client` was given, which is left open. */
  close(): void;
}

/**
 * Its faults are those of `POSH_CONDITIONS`.
 * @throws FaultError `pkix`, local, when the trust anchors for web servers cannot be read
 */
export function createPoshSource(options: PoshSourceOptions = {}): WebPoshSource {
  const { clock = systemClock } = options;
  const client = options.client ?? createHttpsClient({ ...options, maxBodyBytes: MAX_DOCUMENT_BYTES });
  const memory = new PoshMemory(clock);
  const questions = new SharedQuestions<PoshFinding>(failed(new HttpsError('cancelled', 'nobody waits for it')));

  return {
    fetch: async (domain, service, signal, { fresh = false, purpose = 'stanzas' } = {}) => {
      if (canonicalDomain(domain) !== domain) throw new FaultError(poshFault('url-invalid', `${domain} is no domain`));
      const key = poshUrl(domain, service);
      const ask = async (stop: AbortSignal): Promise<PoshFinding> => {
        const finding = await client
          .turn((get) => findMaterial(domain, service, get, clock), stop, { fresh, purpose })
          .then((material) => ({ kind: 'found', material }) as const, failed);
        memory.remember(key, finding);
        return finding;
      };
      const finding = (fresh ? null : memory.recall(key)) ?? (await questions.ask(key, signal, purpose, ask));
      if (finding.kind === 'failed') throw new FaultError(finding.fault);
      return finding.material;
    },
    close: () => {
      if (options.client === undefined) client.close();
    },
  };
}

function failed(thrown: unknown): PoshFinding {
  const fault = thrown instanceof HttpsError ? poshFault(thrown.condition, thrown.message) : toFault(thrown, 'posh');
  return { kind: 'failed', fault };
}
