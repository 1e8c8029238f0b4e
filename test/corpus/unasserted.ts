/** Stanzas on a stream that is proved for other domains: the explanation at the receiving server. */
import type { Case, Expected, Produced } from './case.ts';
import { Caller } from './far-ends.ts';
import { A, B, type ProviderOptions, type Stage } from './stage.ts';

const section = 'Stanzas of what is not proved (RFC 6120 §8.1.1.2, RFC 7712 §4.4.1)';

const C = 'c.example';

/**
 * b.example is authenticated on its stream; then it says `says`, and sends from `from` to `to`, which ends the stream.
 */
async function sendsAs(
  stage: Stage,
  [from, to]: readonly [string, string],
  { says = null, provider = {} }: { says?: readonly [string, string] | null; provider?: ProviderOptions } = {},
): Promise<Produced> {
  const at = await stage.provider(provider);
  const caller = await Caller.of(stage, at);
  await caller.authenticated();
  if (says !== null) await caller.says(...says);
  const stanza = `<message from='mercutio@${from}' to='romeo@${to}'><body>!</body></message>`;
  await caller.says(stanza, '</stream:stream>');
  return { at, direction: 'incoming', local: to, remote: from, actor: 'stream:1' };
}

const ASSERTION = `<db:result from='${C}' to='${A}'>0123456789abcdef</db:result>`;

const expected = (cause: RegExp, fix: RegExp): Expected => ({
  ...{ state: 'established', mover: 'peer', diagnosis: 'sent-unasserted', cause, fix },
});

export const unasserted: readonly Case[] = [
  {
    ...{ section, name: 'a second sender domain that was never asserted' },
    produce: (stage) => sendsAs(stage, [C, A]),
    expect: expected(
      /^The server of b\.example sent a stanza from c\.example to a\.example on stream:1, and c\.example was never asserted to a\.example there; .*ended for that \(invalid-from\)/,
      /log of the server of b\.example: before it sends for c\.example it has to assert c\.example to a\.example on that stream \(db:result\) .* find out who sends there in the name of c\.example/,
    ),
  },
  {
    ...{ section, name: 'a second sender domain that was asserted, and not believed' },
    produce: (stage) => sendsAs(stage, [C, A], { says: [ASSERTION, 'type='] }),
    expect: expected(
      /c\.example was asserted there by db:result, and our answer was (invalid|error)/,
      /may not send for c\.example after that answer\. .* shows why c\.example was not believed/,
    ),
  },
  {
    ...{ section, name: 'a second sender domain whose stanza is sooner than our answer' },
    produce: (stage) => {
      stage.resolver.silence(`_xmpp-server._tcp.${C}`);
      const provider = { manager: { policy: { federation: 'permissive' } } } as const;
      return sendsAs(stage, [C, A], { says: [ASSERTION, ''], provider });
    },
    expect: expected(
      /c\.example was asserted there by db:result, and not proved yet/,
      /may not send for c\.example before we have answered that it is valid/,
    ),
  },
  {
    ...{ section, name: 'a target domain that is not served here' },
    produce: (stage) => sendsAs(stage, [B, 'd.example']),
    expect: {
      ...{ state: 'established', mover: 'operator', diagnosis: 'sent-unasserted' },
      cause: /sent a stanza from b\.example to d\.example on stream:1, and d\.example is not served here/,
      fix: /Add d\.example to the hosts or components here; or have the DNS of d\.example name the server/,
    },
  },
];
