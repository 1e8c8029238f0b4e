/** The domain on whose behalf a host is looked up: its SRV records have named the host. */
import { LruMap } from '../adapters/lru.ts';
import type { RecordOf } from '../trace/record.ts';

/** Names remembered; an answer contains a few. */
const MOST_NAMES = 1_000;

export class HostNames {
  readonly #domains = new LruMap<string, string>(MOST_NAMES);

  /** Returns the domain that the question is about. */
  learn({ question, type, data }: RecordOf<'dns'>): string {
    const name = question.replace(/^(?:_[^.]*\.)+/, '');
    const domain = this.#domains.get(name) ?? name;
    if (type === 'SRV') for (const record of data) this.#domains.set(record.split(' ').at(-1) ?? '', domain);
    return domain;
  }
}
