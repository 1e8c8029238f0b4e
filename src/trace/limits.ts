/** How much memory and disk a trace may take. */
export const traceLimits = {
  /** Records kept in memory: enough for the negotiations of a few hundred pairs. */
  records: 20_000,
  /** Upper bound on a configured number of records: 32 MB of numbers. */
  mostRecords: 1_000_000,
  /** Bytes of all records, as weighed by weigh.ts: a peer may make us remember long certificates and features. */
  bytes: 16 * 1024 * 1024,
  /** Attempts remembered for one remote domain, and for all domains together in bytes as weighed by weigh.ts. */
  attempts: 8,
  attemptBytes: 4 * 1024 * 1024,
  /** Number of states in the path of one actor that a view shows: the newest ones. */
  path: 64,
  /** Longest text within a record of a file; much of it comes from peers. */
  textChars: 10_000,
  /**
   * Bytes of records in a file, not counting the snapshots of live actors at its beginning. Beyond that a new file is
   * begun, and this one replaces the older `.1` file.
   */
  fileBytes: 64 * 1024 * 1024,
  /** Bytes that may wait for a slow disk; records beyond that are lost, and counted. */
  unwrittenBytes: 8 * 1024 * 1024,
  /** Limits for a file that is read: bytes of one line, bytes of the whole file, and number of records. */
  lineBytes: 4 * 1024 * 1024,
  readBytes: 512 * 1024 * 1024,
  readRecords: 2_000_000,
} as const;
