/** Which domain a host is looked up for: SRV records have named it. */
import { LruMap } from '../adapters/lru.ts';
import type { RecordOf } from '../trace/record.ts';

/** Names remembered; an answer has a few. */
const MOST_NAMES = 1_000;

export class HostNames {
  readonly #domains = new LruMap<string, string>(MOST_NAMES);

  /** Answers the domain that the question is about. */
  learn({ question, type, data }: RecordOf<'dns'>): string {
    const name = question.replace(/^(?:_[^.]*\.)+/, '');
    const domain = this.#domains.get(name) ?? name;
    if (type === 'SRV') for (const record of data) this.#domains.set(record.split(' ').at(-1) ?? '', domain);
    return domain;
  }
}
