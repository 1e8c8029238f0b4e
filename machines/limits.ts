/**
 * Every bound and delay of the charts and of the code that serves them, each with its reason. Times are in
 * milliseconds. No RFC prescribes any of them.
 */
export const limits = {
  /** A wait for something with its own deadline lasts this much longer: the inner one knows better what is late. */
  spareMs: 1_000,
  /** TCP set-up over all addresses of one target: a dead address costs 250 ms; a dead host must not cost minutes. */
  connectMs: 15_000,
  /** Stream header, and `<proceed/>`: one round trip each. Prosody allows 90 s for the whole negotiation. */
  headerMs: 15_000,
  /** Stream features: under TLS the far end first checks our identity, which may need DNS and HTTPS look-ups. */
  featuresMs: 55_000,
  /** TLS handshake: two round trips and a signature. */
  handshakeMs: 15_000,
  /** SASL outcome; the far end may need DNS or HTTPS look-ups before it answers. */
  saslMs: 30_000,
  /**
   * A peer that has received our features and has proved nothing: frees the resources of its connection. Verification
   * of its assertions made by then may take `verificationMs` more, once, whatever it asserts or tries meanwhile.
   */
  authenticationMs: 60_000,
  /** One prooftype that judges data at hand, or data that is fetched quickly; a path validator needs milliseconds. */
  proofMs: 2_000,
  /** SRV, then TLSA records, of a domain of which only the name is known: each look-up gives up after 5 s. */
  delegationMs: 11_000,
  /**
   * Shortest lifetime of a proof after it was found. A zone or document that is valid for one second would otherwise
   * make us ask continuously, and would end a stream that other domains use as well.
   */
  leastProofMs: 60_000,
  /** A proof is renewed this long before it ends, or at half its lifetime, whichever is later. */
  renewalLeadMs: 300_000,
  /** How many proofs of one stream are renewed at once, and how long the rest then wait. */
  renewalsAtOnce: 32,
  renewalPauseMs: 250,
  /** A renewal that failed is retried after a quarter of the remaining lifetime, but not sooner than this. */
  renewalRetryMs: 15_000,
  /** A POSH document, with redirects and reference document: the fetch itself gives up after 10 s, with a reason. */
  webMs: 11_000,
  /** A prooftype supplied by the embedder: it may ask the far end, or the web. */
  ownProofMs: 15_000,
  /** `<proof/>` after our `<challenge/>`: the far end has it at hand, or fetches it. */
  challengeMs: 30_000,
  /** Checking a proof of delegation: certificates at hand, or one document and a few look-ups. */
  checkProofMs: 15_000,
  /** DANE, PKIX and POSH one after another; only then is the stream closed, or the domain considered unproved. */
  associationMs: 50_000,
  /** Both SRV answers: the resolver itself gives up after 5 s, with a reason. */
  servicesMs: 8_000,
  /** Addresses of one target host while further targets remain: its silence must not use up their time. */
  addressesMs: 3_000,
  /** Addresses of the last remaining target host. */
  lastAddressesMs: 8_000,
  /** SRV records, then addresses of target hosts, one host after another, until one has any. */
  resolutionMs: 20_000,
  /** From the decision to ask the authoritative server until a stream to it can carry `db:verify`. */
  verifyStreamMs: 35_000,
  /** Answer to `db:verify`: a stateless computation at the far end. */
  verifyAnswerMs: 30_000,
  /** Our answer to `db:result`: a certificate is checked, then the authoritative server is located and asked. */
  verificationMs: 100_000,
  /** The far end's answer to our `db:result`: it may need as long as we do, plus a round trip. */
  assertionMs: 106_000,
  /** How long to wait for a stream that another domain is opening to the same endpoint, before opening a second one. */
  standingMs: 30_000,
  /**
   * One target, from SYN to established, while further targets remain: three attempts, with their look-ups, fit into
   * `routeMs`. A dead host costs only `connectMs`; a live one that takes this long is broken.
   */
  attemptMs: 36_000,
  /** The same for a stream that carries only `db:verify`: no SASL, and three attempts fit into `verifyStreamMs`. */
  verifyAttemptMs: 10_000,
  /** The last or only target; its stream has its own deadlines. */
  lastAttemptMs: 60_000,
  /**
   * From "there is no open stream" until the stream that is opened instead exists: a few event loop turns. Meanwhile
   * other searches for a stream to the same endpoint wait for it.
   */
  promiseMs: 1_000,
  /** A pair's request for a route: several targets may be tried. After that, the queued stanzas are returned. */
  routeMs: 120_000,
  /** The peer's `</stream:stream>` after ours; Prosody also waits 5 s. */
  closeMs: 5_000,
  /** A verify-only stream waits this long for another question before closing (XEP-0220 §2.1.2: "immediately"). */
  verifyLingerMs: 500,
  /** A refused pair is not asserted again before this: protects the far end from one `db:result` per stanza. */
  pairHoldOffMs: 15_000,
  /**
   * First wait after a peer could not be reached. It doubles with each failure up to {@link limits.backoffMaxMs}; a
   * random factor between one half and one is applied.
   */
  backoffMs: 1_000,
  backoffMaxMs: 60_000,
  /**
   * A full stream whose peer accepts no bytes: its senders are paused, along with their traffic for other destinations.
   * The kernel would wait forever for a live peer that does not read. Shorter than `routeMs`, so that waiting stanzas
   * can still take another route.
   */
  drainMs: 60_000,
  /** No bytes in either direction: RFC 6120 §4.6 asks for leniency; Prosody closes after 14 minutes. */
  idleMs: 14 * 60_000,
  /** Assertions awaiting an answer on one stream at once; the rest wait their turn. The receiver looks up each. */
  pendingAssertions: 32,
  /** An assertion unanswered after this no longer counts towards `pendingAssertions`, so that it blocks no other. */
  assertionPatienceMs: 5_000,
  /** Such overdue assertions on one stream: each is an actor. */
  overdueAssertions: 512,
  /** Assertions waiting for their turn on one stream: all sender domains of a large provider after a restart. */
  waitingAssertions: 16_384,
  /** The peer's assertions verified on one stream at once; further ones get `resource-constraint` (XEP-0220 §2.5). */
  pendingVerifications: 64,
  /**
   * Streams to authoritative servers being opened at once, over all assertions: a peer that asserts one domain after
   * another must not make us dial half the Internet. Further assertions wait; addresses take turns.
   */
  verifyStreams: 1_024,
  /**
   * The share of one address (IPv6: a /64) in `verifyStreams`. Each takes up to two look-ups, so a peer that asserts
   * domains with silent name servers occupies at most a third of the resolver's queries.
   */
  verifyStreamsPerAddress: 16,
  /**
   * Concurrent look-ups in signed DNS for domains that one address (IPv6: a /64) asserts: each is three queries, then
   * one per target. A peer that asserts domains with silent name servers occupies a quarter of `lookUpsOfStrangers`.
   */
  lookUpsPerAddress: 4,
  /**
   * The same for all addresses together, which take turns: each look-up starts with three queries, out of the fifty
   * available on behalf of peers.
   */
  lookUpsOfStrangers: 16,
  /**
   * Concurrent fetches, on behalf of one address, of POSH documents and of proofs that may be on the web: a quarter of
   * `documentsOfStrangers`.
   */
  documentsPerAddress: 4,
  /** The same for all addresses together, which take turns: the HTTPS client's concurrency on behalf of peers. */
  documentsOfStrangers: 16,
  /** POSH documents prefetched at once for domains that we connect to; further ones are fetched when needed. */
  documentsAhead: 16,
  /**
   * Concurrent questions to the embedder's own prooftypes, on behalf of one address, and of all addresses together:
   * their cost is unknown here.
   */
  ownProofsPerAddress: 4,
  ownProofsOfStrangers: 16,
  /** Assertions of one address waiting for their turn: each is a few actors. Further ones get `resource-constraint`. */
  waitingAssertionsPerAddress: 256,
  /** `db:verify` requests awaiting an answer on one stream to an authoritative server. */
  pendingVerifies: 1_024,
  /** Further domains being proved on one stream at once. */
  pendingAssociations: 64,
  /** Domains of the far end for which it is being challenged on one stream at once. */
  pendingChallenges: 64,
  /** Domains whose challenge outcome is remembered while a stream is open: they are not challenged again. */
  challengesRemembered: 10_000,
  /**
   * Proofs shown on one stream in `provingMs`, one per domain. A peer that challenges and does not read makes us hold
   * 16 MB at worst, and the other costs of its 100-byte challenges are bounded as well.
   */
  proofsShown: 1_024,
  provingMs: 30_000,
  /** SASL attempts on one stream (RFC 6120 §6.4.5: 2 to 5). */
  saslAttempts: 3,
  /** Streams that one address may have open to us: a provider needs a handful, a flood opens any number. */
  streamsPerAddress: 1_000,
  /**
   * Sender domains admitted on one stream, and separately as many target domains: each takes some 300 to 450 bytes. Ten
   * times the 10,000 domains that a large provider is assumed to have.
   */
  domainsPerStream: 100_000,
  /** Domain pairs admitted on one stream, at about a bit each: ten thousand domains with ten thousand. */
  pairsPerStream: 100_000_000,
  /** Remote domains whose failures are kept for the next backoff while no stream is wanted; oldest dropped first. */
  failuresRemembered: 1_000,
  /** Local domains waiting for a stream to one remote domain: all those of a large provider after a restart. */
  wishesPerPeer: 10_000,
  /** Attempts for one wish, over all targets of a peer: bounds the work that a hostile SRV set can cause. */
  attemptsPerWish: 12,
} as const;
