/**
 * How long a test waits for what must happen, in milliseconds: only failing tests wait so long, and a busy machine is
 * slow.
 */
export const PATIENCE_MS = 60_000;
