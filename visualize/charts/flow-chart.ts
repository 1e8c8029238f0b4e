/** The flow charts of RFC 7712, box by box, and where each box is in our charts. */

/** The id of a machine, and the path of a state in it; empty for the machine itself. */
export interface Place {
  readonly machine: string;
  readonly path: string;
}

/** A box of the figure, or a remark between two boxes. */
export interface FlowBox {
  /** As in the RFC. */
  readonly title: string;
  readonly isRemark: boolean;
  /** The text in the box, as in the RFC. */
  readonly lines: readonly string[];
  /** The title in draft-saintandre-xmpp-dna-01 §3, where it differs. */
  readonly draftTitle: string | null;
  /** Where server A (a.example), which opened the first stream, is at this point, and server B. */
  readonly a: readonly Place[];
  readonly b: readonly Place[];
}

export interface FlowPart {
  readonly title: string;
  readonly section: string;
  readonly boxes: readonly FlowBox[];
}

/** `initiatingStream.streamHeaders`, or the machine's name alone for the machine itself. */
function placeOf(name: string): Place {
  const [machine = '', ...path] = name.split('.');
  return { machine, path: path.join('.') };
}

interface Where {
  readonly a?: readonly string[];
  readonly b?: readonly string[];
  readonly draftTitle?: string;
}

const box = (title: string, lines: readonly string[], { a = [], b = [], draftTitle }: Where): FlowBox => ({
  title,
  isRemark: title.startsWith('('),
  lines,
  draftTitle: draftTitle ?? null,
  a: a.map(placeOf),
  b: b.map(placeOf),
});

export const flowChart: readonly FlowPart[] = [
  {
    title: 'A Simple S2S Scenario',
    section: 'RFC 7712 §4.1, §4.2; draft -01 §3, §4',
    boxes: [
      box('DNS RESOLUTION ETC.', [], {
        a: ['pair.awaitingRoute', 'peer.dnsResolution', 'resolution', 'peer.connecting', 'initiatingStream.connecting'],
        b: ['receivingStream.accepted'],
      }),
      box(
        'STREAM HEADERS',
        ["A: <stream from='a.example' to='b.example'>", "B: <stream from='b.example' to='a.example'>"],
        {
          a: ['initiatingStream.streamHeaders'],
          b: ['receivingStream.streamHeaders'],
        },
      ),
      box('TLS NEGOTIATION', ['B: Server Certificate', 'B: Certificate Request', 'A: Client Certificate'], {
        a: ['initiatingStream.tlsNegotiation'],
        b: ['receivingStream.tlsNegotiation'],
      }),
      box('(A establishes DNA for b.example)', [], {
        a: ['initiatingStream.association', 'association', 'daneProoftype', 'pkixProoftype', 'poshProoftype'],
      }),
      box(
        'AUTHENTICATION',
        ['{valid client certificate?}', 'SASL EXTERNAL', '(mutual auth)', '(B establishes DNA for a.example)'],
        {
          a: [
            'initiatingStream.authentication',
            'initiatingStream.authentication.saslExternal',
            'initiatingStream.established',
          ],
          b: ['receivingStream.association', 'receivingStream.authentication', 'receivingStream.established'],
        },
      ),
    ],
  },
  {
    title: 'No Mutual PKIX Authentication',
    section: 'RFC 7712 §4.3; draft -01 §5 One-Way Authentication',
    boxes: [
      box('DIALBACK IDENTITY ASSERTION', ["A: <db:result from='a.example' to='b.example'>"], {
        a: ['initiatingStream.authentication.dialback', 'pair.piggybackingAssertion', 'assertion'],
        b: ['verification'],
      }),
      box('DNS RESOLUTION ETC.', [], { b: ['dialbackProoftype.awaitingVerifyStream', 'peer.dnsResolution'] }),
      box(
        'STREAM HEADERS',
        ["B: <stream from='b.example' to='a.example'>", "A: <stream from='a.example' to='b.example'>"],
        {
          a: ['receivingStream.streamHeaders'],
          b: ['initiatingStream.streamHeaders'],
        },
      ),
      box('TLS NEGOTIATION', ['A: Server Certificate'], {
        a: ['receivingStream.tlsNegotiation'],
        b: ['initiatingStream.tlsNegotiation'],
      }),
      box(
        'DIALBACK IDENTITY VERIFICATION',
        [
          "B: <db:verify from='b.example' to='a.example'",
          "id='...'>",
          "A: <db:verify from='a.example' to='b.example'",
          "type='valid' id='...'>",
        ],
        {
          a: ['receivingStream.authentication'],
          b: ['initiatingStream.established.verifying', 'dialbackProoftype.awaitingVerifyAnswer'],
        },
      ),
      box('(B establishes DNA for a.example)', [], { b: ['dialbackProoftype.proved', 'verification.accepted'] }),
    ],
  },
  {
    title: 'Piggybacking Assertion',
    section: 'RFC 7712 §4.4.1; draft -01 §6.1',
    boxes: [
      box('DIALBACK IDENTITY ASSERTION', ["B: <db:result from='c.example' to='a.example'/>"], {
        a: ['verification'],
        b: ['pair.piggybackingAssertion', 'assertion'],
      }),
      box('DNA ESTABLISHMENT AS ABOVE', ['DNS RESOLUTION, STREAM HEADERS,', 'TLS NEGOTIATION, AUTHENTICATION'], {
        draftTitle: 'DNA DANCE AS ABOVE',
        a: ['verification.association', 'association', 'dialbackProoftype'],
      }),
      box('DIALBACK IDENTITY VERIFICATION', ["A: <db:result from='a.example' to='c.example'", "type='valid'/>"], {
        a: ['verification.accepted'],
        b: ['assertion.valid', 'pair.routed'],
      }),
    ],
  },
  {
    title: 'Piggybacking Supposition',
    section: 'RFC 7712 §4.4.2; draft -01 §6.2',
    boxes: [
      box(
        'SUBSEQUENT CONNECTION',
        [
          "B: <stream from='c.example'",
          "to='rooms.a.example'>",
          "A: <stream from='rooms.a.example'",
          "to='c.example'>",
        ],
        {
          b: ['peer.connectionReuse', 'pair.piggybackingSupposition'],
        },
      ),
      box('DNA ESTABLISHMENT AS ABOVE', ['DNS RESOLUTION, STREAM HEADERS,', 'TLS NEGOTIATION, AUTHENTICATION'], {
        draftTitle: 'DNA DANCE AS ABOVE',
        b: ['association'],
      }),
      box(
        'DIALBACK OPTIMIZATION',
        [
          "B: <db:result from='c.example'",
          "to='rooms.a.example'/>",
          "B: <db:result from='rooms.a.example'",
          "to='c.example' type='valid'/>",
        ],
        {
          a: ['verification'],
          b: ['pair.piggybackingAssertion', 'assertion', 'pair.routed'],
        },
      ),
    ],
  },
  {
    title: 'Client-to-Server DNA',
    section: 'RFC 7712 §3.1',
    boxes: [
      box('(client checks certificate and establishes DNA for a.example)', [], {
        a: ['initiatingStream.association.decidingProof'],
      }),
    ],
  },
  {
    title: 'Before the figure: the DNA protocol of 2009',
    section: 'ProtoXEP DNA §4',
    boxes: [
      box('ASSERT, CHALLENGE, PROOF', ['A: <challenge/>', 'B: <proof/>', 'A: <valid/>'], {
        a: ['initiatingStream.association.awaitingChallenge', 'challenge'],
      }),
    ],
  },
];
