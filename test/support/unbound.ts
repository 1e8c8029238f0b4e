/** Whether this machine has libunbound. */
import { loadLibunbound } from '../../src/adapters/dns/unbound/library.ts';

function reasonAgainst(): string | null {
  try {
    loadLibunbound();
    return null;
  } catch (thrown) {
    if (process.env['REQUIRE_SERVERS'] === '1') throw thrown;
    return `no libunbound here: ${String(thrown)}`;
  }
}

/** Why there is no libunbound here, or null when there is one. */
export const unboundMissing: string | null = reasonAgainst();
