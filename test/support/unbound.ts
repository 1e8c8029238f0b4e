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

/** Why libunbound is not available, or null when it is. */
export const unboundMissing: string | null = reasonAgainst();
