/**
 * Interop matrix: our daemon federates with Debian's Prosody and ejabberd, as initiating and as receiving server, with
 * one of our components on one end and one of theirs on the other. The log of the other server says how a domain was
 * proved. Where a server cannot do something, the matrix gives the reason; it is printed at the end.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ejabberdMissing } from '../support/ejabberd.ts';
import { prosodyMissing } from '../support/prosody.ts';
import { Matrix } from './matrix.ts';
import { connectionsTo } from './sockets.ts';
import {
  delivers,
  during,
  returns,
  serve,
  Stage,
  stranger,
  type Kind,
  type OurOptions,
  type Ours,
  type TheirOptions,
  type Theirs,
} from './stage.ts';
import { acceptedInbound, acceptedOutbound } from './wire-log.ts';

const ROWS = {
  external: 'SASL EXTERNAL',
  iq: 'iq there and back, echo',
  notOffered: 'EXTERNAL not offered, dialback',
  refused: 'EXTERNAL refused, dialback',
  direct: 'direct TLS',
  bidi: 'one bidirectional stream',
  senders: 'several sender domains on one stream',
  targets: 'several target domains on one stream',
  wrong: 'their certificate is wrong: nothing passes',
  ourWrong: 'our certificate is wrong: nothing passes',
} as const;

const BOTH = ['serverAuth', 'clientAuth'] as const;
const missing: Record<Kind, string | null> = { Prosody: prosodyMissing(), ejabberd: ejabberdMissing() };

describe('interop matrix', { timeout: 1_800_000 }, () => {
  const matrix = new Matrix(Object.values(ROWS));
  let stage: Stage;
  /** ejabberd takes seconds to start, so one instance serves all tests without special requirements. */
  let ejabberd: Theirs | null = null;

  before(async () => {
    stage = await Stage.open();
    if (missing.ejabberd === null) {
      ejabberd = await stage.theirs('ejabberd', {
        s2s: { directTlsPort: 0 },
        further: ['v1', 'v2'],
        s2sTimeoutSeconds: 5,
      });
    }
  });
  after(async () => {
    process.stdout.write(`\n${matrix.toString()}\n\n`);
    await ejabberd?.close();
    await stage.close();
  });

  /** One daemon of ours and a server of theirs, for one test. */
  const between = async (
    kind: Kind,
    { theirs: theirOptions, ours: ourOptions }: { theirs?: TheirOptions; ours?: OurOptions },
    body: (ours: Ours, theirs: Theirs) => Promise<void>,
  ): Promise<void> => {
    const shared = kind === 'ejabberd' && theirOptions === undefined ? ejabberd : null;
    const [theirs, ours] = await Promise.all([shared ?? stage.theirs(kind, theirOptions), stage.ours(ourOptions)]);
    await during(shared === null ? [theirs, ours] : [ours], () => body(ours, theirs));
  };

  for (const kind of ['Prosody', 'ejabberd'] as const) {
    const skip = missing[kind] === null ? false : `${kind}: ${missing[kind]}`;
    const initiating = `${kind}, we initiate` as const;
    const receiving = `${kind}, we receive` as const;
    const sees = (theirs: Theirs, pattern: RegExp, from = 0): Promise<unknown> =>
      theirs.server.waitForLog(pattern, { from });

    test(
      `A1, A2: ${kind}: EXTERNAL proves us to them and them to us (XEP-0178); stanzas of all kinds pass both ways`,
      { skip },
      async () => {
        await between(kind, { ours: { eku: [...BOTH] } }, async (ours, theirs) => {
          const [a, b] = [ours.component, theirs.component];
          await matrix.cell(ROWS.external, initiating, async () => {
            await delivers(a, b);
            await sees(theirs, acceptedInbound(kind, 'EXTERNAL', a.domain, b.domain));
            assert.match(ours.daemon.log(), new RegExp(`${a.domain} to ${b.domain} may send, proved by pkix`));
          });
          await matrix.cell(ROWS.external, receiving, async () => {
            await delivers(b, a);
            await sees(theirs, acceptedOutbound(kind, 'EXTERNAL', b.domain, a.domain));
            assert.match(ours.daemon.log(), new RegExp(`${b.domain} to ${a.domain} may come in, proved by pkix`));
          });
          never(theirs.server.log(), new RegExp(`dialback authentication .*${a.domain}|asking ${a.domain} if`));
          await matrix.cell(ROWS.iq, initiating, async () => {
            void serve(b);
            assert.equal((await a.ping(b.domain)).attrs['type'], 'result');
            assert.equal((await a.ping(theirs.domain)).attrs['type'], 'result');
            await echoes(a, b.domain);
          });
          await matrix.cell(ROWS.iq, receiving, async () => {
            void serve(a);
            assert.equal((await b.ping(a.domain)).attrs['type'], 'result');
            assert.equal((await b.ping(ours.domain)).attrs['type'], 'result');
            await echoes(b, a.domain);
          });
        });
      },
    );

    test(`A3: ${kind}: EXTERNAL is not offered to us, so we dial back (RFC 7712 §4.3)`, { skip }, async () => {
      // ejabberd always offers it under TLS; without TLS nobody can.
      const [theirs, ours]: [TheirOptions, OurOptions] =
        kind === 'Prosody'
          ? [{ external: false }, {}]
          : [{ settings: { s2s_use_starttls: false } }, { policy: { federation: 'verified' } }];
      await between(kind, { theirs, ours }, async ({ component: a }, theirs) => {
        const b = theirs.component;
        await matrix.cell(ROWS.notOffered, initiating, async () => {
          await delivers(a, b);
          await sees(theirs, acceptedInbound(kind, 'dialback', a.domain, b.domain));
          never(theirs.server.log(), /<mechanism>EXTERNAL|inbound s2s EXTERNAL/);
        });
      });
    });

    test(
      `A2, A3: ${kind}: we offer EXTERNAL to nobody whose certificate proves nothing, and verify the key (XEP-0178 §3)`,
      { skip },
      async () => {
        await between(kind, { theirs: { issuer: stranger } }, async (ours, theirs) => {
          const [a, b] = [ours.component, theirs.component];
          await matrix.cell(ROWS.notOffered, receiving, async () => {
            await delivers(b, a);
            await sees(theirs, acceptedOutbound(kind, 'dialback', b.domain, a.domain));
            assert.match(ours.daemon.log(), new RegExp(`${b.domain} to ${a.domain} may come in, proved by dialback`));
            never(theirs.server.log(), /Initiating SASL EXTERNAL|Accepted outbound s2s EXTERNAL/);
          });
          await delivers(a, b);
        });
      },
    );

    test(
      `${kind}: EXTERNAL is offered and refused, so we dial back on the same stream (XEP-0178 §3)`,
      { skip },
      async () => {
        matrix.cannot(
          ROWS.refused,
          receiving,
          'we offer EXTERNAL only where it will succeed, so neither server ever tries in vain',
        );
        if (kind === 'Prosody') {
          matrix.cannot(ROWS.refused, initiating, 'Prosody offers EXTERNAL only where it will succeed');
          return;
        }
        await between(kind, { ours: { eku: ['serverAuth'] } }, async (ours, theirs) => {
          const from = theirs.server.log().length;
          const [a, b] = [ours.component, theirs.component];
          await matrix.cell(ROWS.refused, initiating, async () => {
            await delivers(a, b);
            await sees(theirs, new RegExp(`Failed inbound s2s EXTERNAL authentication ${a.domain}`), from);
            await sees(theirs, acceptedInbound(kind, 'dialback', a.domain, b.domain), from);
            assert.equal(opened(ours, b.domain), 1, 'one stream for both');
          });
        });
      },
    );

    test(`${kind}: direct TLS, both ways (XEP-0368)`, { skip }, async () => {
      const options = { directTls: true, eku: [...BOTH] };
      const theirs = kind === 'Prosody' ? { theirs: options } : {};
      await between(kind, { ...theirs, ours: { ...options, listen: 'direct' } }, async (ours, theirs) => {
        if (theirs === ejabberd)
          for (const name of [theirs.domain, theirs.component.domain]) stage.publish(name, theirs.server, true);
        const from = theirs.server.log().length;
        const [a, b] = [ours.component, theirs.component];
        await matrix.cell(ROWS.direct, initiating, async () => {
          await delivers(a, b);
          assert.match(
            ours.daemon.log(),
            new RegExp(`opens a stream to localhost port ${theirs.server.ports.directTls}`),
          );
        });
        await matrix.cell(ROWS.direct, receiving, () => delivers(b, a));
        never(theirs.server.log().slice(from), /<starttls|TLS negotiation started/);
        if (theirs === ejabberd)
          for (const name of [theirs.domain, theirs.component.domain]) stage.publish(name, theirs.server, false);
      });
    });

    test(`${kind}: one stream carries both directions, whoever opened it (XEP-0288)`, { skip }, async () => {
      if (kind === 'ejabberd') {
        for (const column of [initiating, receiving])
          matrix.cannot(ROWS.bidi, column, 'ejabberd 23.01 has no bidi (XEP-0288)');
        return;
      }
      for (const column of [initiating, receiving]) {
        await between(kind, { theirs: { bidi: true } }, async (ours, theirs) => {
          await matrix.cell(ROWS.bidi, column, async () => {
            const [first, second] =
              column === initiating ? [ours.component, theirs.component] : [theirs.component, ours.component];
            await delivers(first, second);
            await delivers(second, first);
            const { from, to } = sockets(ours, theirs);
            assert.deepEqual([from, to], column === initiating ? [1, 0] : [0, 1]);
          });
        });
      }
    });

    test(
      `${kind}: further sender domains of ours are asserted on the standing stream (RFC 7712 §4.4.1)`,
      { skip },
      async () => {
        matrix.cannot(ROWS.senders, receiving, `${kind} opens one stream per domain pair`);
        await between(kind, { ours: { eku: [...BOTH] } }, async (ours, theirs) => {
          await matrix.cell(ROWS.senders, initiating, async () => {
            await delivers(ours.component, theirs.component);
            await delivers(ours.second, theirs.component);
            await delivers(ours.component, theirs.component);
            assert.equal((await theirs.component.ping(ours.domain)).attrs['type'], 'result');
            assert.equal(sockets(ours, theirs).from, 1);
          });
        });
      },
    );

    test(
      `${kind}: further target domains, on the standing stream where the peer has dialback errors (XEP-0220 §2.6.2)`,
      { skip },
      async () => {
        matrix.cannot(ROWS.targets, receiving, `${kind} opens one stream per domain pair`);
        const further = ['v1', 'v2'];
        await between(kind, kind === 'Prosody' ? { theirs: { further } } : {}, async (ours, theirs) => {
          const targets = [theirs.domain, ...further.map((name) => `${name}.${theirs.domain}`)];
          const pingAll = async (): Promise<void> => {
            for (const from of [ours.component, ours.second])
              for (const target of targets) assert.equal((await from.ping(target)).attrs['type'], 'result', target);
          };
          if (kind === 'ejabberd') {
            await matrix.cell(ROWS.targets, initiating, async () => {
              await pingAll();
              assert.equal(sockets(ours, theirs).from, 1);
            });
          } else {
            matrix.cannot(
              ROWS.targets,
              initiating,
              'Prosody does not advertise dialback errors: one stream per target domain, not per pair',
            );
            await pingAll();
            assert.equal(sockets(ours, theirs).from, targets.length);
          }
        });
      },
    );

    test(
      `${kind}: a server whose certificate proves nothing gets no stanza and brings none in (S1, S2)`,
      { skip },
      async () => {
        const ours = { policy: { federation: 'authenticated' } } as const;
        await between(
          kind,
          { theirs: { issuer: stranger, s2sTimeoutSeconds: 5 }, ours },
          async ({ component: a, daemon }, theirs) => {
            const b = theirs.component;
            await matrix.cell(ROWS.wrong, initiating, async () => {
              assert.equal(await returns(a, b), 'remote-server-timeout');
              assert.match(daemon.log(), /pkix/);
            });
            await matrix.cell(ROWS.wrong, receiving, async () => {
              await returns(b, a);
              never(daemon.log(), /may come in/);
            });
          },
        );
      },
    );

    test(
      `${kind}: a server that insists on certificates neither hears us nor speaks to us when ours proves nothing`,
      { skip },
      async () => {
        await between(
          kind,
          { theirs: { secureAuth: true, s2sTimeoutSeconds: 5 }, ours: { issuer: stranger } },
          async (ours, theirs) => {
            const [a, b] = [ours.component, theirs.component];
            await matrix.cell(ROWS.ourWrong, initiating, async () => {
              assert.equal(await returns(a, b), 'remote-server-timeout');
            });
            await matrix.cell(ROWS.ourWrong, receiving, async () => {
              await returns(b, a);
            });
          },
        );
      },
    );
  }

  test(
    'every cell of the matrix has run, or says why not',
    { skip: missing.Prosody ?? missing.ejabberd ?? false },
    () => {
      assert.deepEqual(matrix.empty, []);
    },
  );
});

/** Asserts that the log has no matching line; a failure shows the line. */
function never(log: string, pattern: RegExp): void {
  assert.deepEqual(
    log.split('\n').filter((line) => pattern.test(line)),
    [],
  );
}

/** How many streams our daemon opened for a domain. */
const opened = ({ daemon }: Ours, domain: string): number =>
  daemon.log().split(`peer:${domain}: opens a stream`).length - 1;

/** Sockets between the two now: those that we opened, and those that we accepted. */
function sockets({ daemon }: Ours, { server }: Theirs): { from: number; to: number } {
  return { from: connectionsTo(daemon.pid, server.ports.s2s), to: connectionsTo(server.pid, daemon.s2sPort) };
}

async function echoes(from: Theirs['component'], to: string): Promise<void> {
  from.send(`<message from='${from.domain}' to='${to}' id='hello'><body>hello</body></message>`);
  const echo = await from.waitFor((stanza) => stanza.attrs['id'] === 'hello-echo');
  assert.deepEqual([echo.attrs['from'], echo.getChildText('body')], [to, 'hello']);
}
