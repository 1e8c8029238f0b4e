/** What a trace may take of memory and disk. */
export const traceLimits = {
  /** Records kept in memory: the negotiations of some hundred pairs. */
  records: 20_000,
  /** Most that may be asked for: 32 MB of numbers. */
  mostRecords: 1_000_000,
  /** Of all of them, as weighed by weigh.ts: a peer may have us remember long certificates and features. */
  bytes: 16 * 1024 * 1024,
  /** Attempts that are remembered of one remote domain, and of all together, in bytes as weighed by weigh.ts. */
  attempts: 8,
  attemptBytes: 4 * 1024 * 1024,
  /** States of the path of one actor that a view shows: the newest. */
  path: 64,
  /** A text within a record of a file; much of it comes from peers. */
  textChars: 10_000,
  /** Records of a file, in bytes, beyond those who lived when it was begun; then the file before is given up. */
  fileBytes: 64 * 1024 * 1024,
  /** Bytes that wait for a slow disk; records beyond are lost, and counted. */
  unwrittenBytes: 8 * 1024 * 1024,
  /** Of a file that is read: one line, all of it, and its records. */
  lineBytes: 4 * 1024 * 1024,
  readBytes: 512 * 1024 * 1024,
  readRecords: 2_000_000,
} as const;
