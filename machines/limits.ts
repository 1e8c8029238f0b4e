/**
 * Every bound and delay of the charts and of what serves them, with its why. Times in milliseconds. No RFC prescribes any of them (FACTS §7.8); PEERS §2 lists
 * what others use.
 */
export const limits = {
  /** What waits for something that has a deadline itself waits this much longer: the inner one knows better what is late. */
  spareMs: 1_000,
  /** TCP set-up over all addresses of one target: a dead address costs 250 ms, a dead host must not cost minutes. */
  connectMs: 15_000,
  /** Stream header, `<proceed/>`: each is one round trip; Prosody gives the whole negotiation 90 s. */
  headerMs: 15_000,
  /** Stream features: under TLS the far end looks first at what proves us, and may ask DNS and HTTPS for it. */
  featuresMs: 55_000,
  /** TLS handshake: two round trips and a signature. */
  handshakeMs: 15_000,
  /** SASL outcome; the far end may look up DNS or HTTPS before it answers. */
  saslMs: 30_000,
  /**
   * A peer that was shown features and proves nothing: frees what its connection holds. What it asserted by then may take
   * `verificationMs` more, once, whatever it asserts or tries meanwhile.
   */
  authenticationMs: 60_000,
  /** One prooftype that judges what is at hand or is fetched at once; a path validator needs milliseconds. */
  proofMs: 2_000,
  /** SRV, then TLSA records, of a domain whose name alone is known: each look-up gives up after 5 s. */
  delegationMs: 11_000,
  /**
   * No proof ends sooner after it was found: a zone or a document that is good for a second would have us ask without end,
   * and end a stream that others use with it.
   */
  leastProofMs: 60_000,
  /** A proof is asked for anew so long before it ends, or at half of its time. */
  renewalLeadMs: 300_000,
  /** Proofs of one stream asked for anew at once, and how long the others wait then. */
  renewalsAtOnce: 32,
  renewalPauseMs: 250,
  /** A renewal that has brought nothing is tried again after a quarter of the time that is left, and not before this. */
  renewalRetryMs: 15_000,
  /** A POSH document with its redirects and its reference: the fetch gives up after 10 s, and says why. */
  webMs: 11_000,
  /** A prooftype of the embedder: it may ask the far end, or the web. */
  ownProofMs: 15_000,
  /** `<proof/>` after our `<challenge/>`: the far end has it at hand, or fetches it (FACTS §13.4). */
  challengeMs: 30_000,
  /** A proof of delegation is judged: certificates at hand, or one document and a few look-ups. */
  checkProofMs: 15_000,
  /** DANE, PKIX and POSH one after the other; only then is the stream closed, or the domain taken for unproved. */
  associationMs: 50_000,
  /** Both SRV answers: the resolver gives up after 5 s, and says why. */
  servicesMs: 8_000,
  /** Addresses of one target host while another is left: its silence must not cost the others their turn. */
  addressesMs: 3_000,
  /** Addresses of the last target host left. */
  lastAddressesMs: 8_000,
  /** SRV records, and addresses of as many target hosts as it takes to find one that has any. */
  resolutionMs: 20_000,
  /** From the wish to ask the authoritative server until a stream to it can carry `db:verify`. */
  verifyStreamMs: 35_000,
  /** Answer to `db:verify`: a stateless computation at the far end. */
  verifyAnswerMs: 30_000,
  /** Our answer to `db:result`: a certificate is judged, then the authoritative server is found and asked. */
  verificationMs: 100_000,
  /** Answer to `db:result`: what the far end may need for the same, and the way there and back. */
  assertionMs: 106_000,
  /** A stream that another domain is opening to the same endpoint is waited for this long, rather than opening a second. */
  standingMs: 30_000,
  /**
   * One target, from SYN to established, while another is left: three turns, with their look-ups, fit into `routeMs`. A
   * dead host costs `connectMs` only; a live one that takes this long is out of order.
   */
  attemptMs: 36_000,
  /** The same for a stream that is only asked on: no SASL, and three turns in `verifyStreamMs`. */
  verifyAttemptMs: 10_000,
  /** The last target, or the only one; its stream has deadlines of its own. */
  lastAttemptMs: 60_000,
  /** From "nothing stands" to the stream that is opened instead: a few turns of the event loop; others wait meanwhile. */
  promiseMs: 1_000,
  /** A pair's wish for a route: several targets may be tried. Beyond it the queue is returned. */
  routeMs: 120_000,
  /** Peer's `</stream:stream>` after ours; Prosody waits 5 s too. */
  closeMs: 5_000,
  /** A verify-only stream stays this long for the next question before it is closed (XEP-0220 §2.2.1: "at once"). */
  verifyLingerMs: 500,
  /** A pair that was refused is not asserted again before this: protects the far end from one stanza, one db:result. */
  pairHoldOffMs: 15_000,
  /** First wait after a peer could not be reached; doubles up to {@link limits.backoffMaxMs}, halved at random. */
  backoffMs: 1_000,
  backoffMaxMs: 60_000,
  /**
   * A full stream of which the peer takes nothing: its senders are held, with all that they have for others. Kernels would
   * wait for ever for a peer that lives and does not read. Within `routeMs`, so that what waits can still go another way.
   */
  drainMs: 60_000,
  /** No bytes in either direction: RFC 6120 §4.6 asks to be liberal; Prosody closes after 14 minutes. */
  idleMs: 14 * 60_000,
  /** Assertions of one stream that wait for an answer at once; the rest wait their turn. Receivers look up each of them. */
  pendingAssertions: 32,
  /** An assertion that was not answered by then is waited for beside those, so that it blocks nobody. */
  assertionPatienceMs: 5_000,
  /** Of such, on one stream: each is an actor. */
  overdueAssertions: 512,
  /** Assertions that wait for their turn on one stream: all sender domains of a large provider after a restart. */
  waitingAssertions: 16_384,
  /** Assertions of the peer being verified on one stream at once; beyond it the peer is told `resource-constraint` (XEP-0220 §2.5). */
  pendingVerifications: 64,
  /** Authoritative servers that streams are being opened to at once, over all assertions: whoever asserts domain after domain must
   * not make us dial half the net. Further assertions wait their turn, one address after the other. */
  verifyStreams: 1_024,
  /** The share of one address (IPv6: a /64) in these: each is up to two look-ups, and so whoever asserts domains whose name
   * servers keep silent holds a third of the resolver's queries at most. */
  verifyStreamsPerAddress: 16,
  /**
   * Look-ups of what the signed DNS says of domains that one address (IPv6: a /64) asserts, at once: each is three queries, then
   * one per target. Whoever asserts domains whose name servers keep silent holds a quarter of that.
   */
  lookUpsPerAddress: 4,
  /** The same for all addresses together, each in its turn: three queries at first, of the fifty that strangers have. */
  lookUpsOfStrangers: 16,
  /** The same of POSH documents, and of proofs that may lie on the web: a quarter of the fetches that strangers have in all. */
  documentsPerAddress: 4,
  /** The same for all addresses together, each in its turn: what the HTTPS client does for strangers at once. */
  documentsOfStrangers: 16,
  /** POSH documents fetched ahead for domains that we connect to; others are fetched when their turn comes. */
  documentsAhead: 16,
  /** Questions to the embedder's own prooftypes on behalf of one address, and of all strangers together: what each costs, nobody here knows. */
  ownProofsPerAddress: 4,
  ownProofsOfStrangers: 16,
  /** Assertions of one address that wait for their turn: each is a few actors. Further ones are told `resource-constraint`. */
  waitingAssertionsPerAddress: 256,
  /** Questions to one authoritative server that wait for an answer on one stream. */
  pendingVerifies: 1_024,
  /** Associations of further domains being proved on one stream at once. */
  pendingAssociations: 64,
  /** Domains of the far end that it is challenged for on one stream at once. */
  pendingChallenges: 64,
  /** Domains of which it is remembered, while one stream stands, what became of the challenge: they are not challenged again. */
  challengesRemembered: 10_000,
  /**
   * Proofs shown on one stream in `provingMs`, one per domain: what a peer that challenges and does not read makes us hold is
   * 16 MB at worst, and what its challenges of 100 bytes cost us otherwise has an end as well.
   */
  proofsShown: 1_024,
  provingMs: 30_000,
  /** SASL attempts on one stream (RFC 6120 §6.4.5: 2 to 5). */
  saslAttempts: 3,
  /** Streams that one address may have open to us: a provider needs a handful, a flood has no end. */
  streamsPerAddress: 1_000,
  /** Sender domains admitted on one stream, and as many targets beside: each is some 300 to 450 bytes. Ten times DESIGN §8's providers. */
  domainsPerStream: 100_000,
  /** Domain pairs admitted on one stream, at a bit or so each: ten thousand domains with ten thousand. */
  pairsPerStream: 100_000_000,
  /** Remote domains whose failures are remembered while nobody wants them, for the next backoff; the oldest is forgotten. */
  failuresRemembered: 1_000,
  /** Local domains that wait for a stream to one remote domain: all those of a large provider after a restart. */
  wishesPerPeer: 10_000,
  /** Attempts, over all targets of a peer, for one wish: bounds what a hostile SRV set can make us do. */
  attemptsPerWish: 12,
} as const;
