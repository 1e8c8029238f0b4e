/** The end of a stream on which stanzas passed, when the far end does not send its closing tag. */
import type { Case, Expected } from './case.ts';
import { A, B, standing } from './stage.ts';

const section = 'Closing (RFC 6120 §4.4)';

/** More than half of the deadline. */
const LATE_MS = 3_000;

const swallowsClosingTag = { onTheWay: (text: string) => text.replace('</stream:stream>', '') };

const expected = (cause: RegExp): Expected => ({
  ...{ state: 'closing', mover: 'peer', diagnosis: 'closing-unanswered', cause },
  fix: /Nothing needs to be done for this stream: .* a dead connection that was not closed, or at the log/,
});

export const closing: readonly Case[] = [
  {
    ...{ section, name: 'we end a stream of ours, and the closing tag of the far end does not come', lateMs: LATE_MS },
    produce: async (stage) => {
      await stage.provider({ hosts: [B] });
      const at = await stage.provider(swallowsClosingTag);
      at.send(A, B);
      const stream = await standing(stage, at, 'initiatingStream');
      at.manager.closeStream(stream);
      return { at, actor: `stream:${stream}`, local: A, remote: B };
    },
    expect: expected(
      /^The stream to b\.example is ended, and xmpp\.example port \d+ has not answered our closing tag for 3 s\.$/,
    ),
  },
  {
    ...{
      section,
      name: 'we end a stream that came in, and the closing tag of the far end does not come',
      lateMs: LATE_MS,
    },
    produce: async (stage) => {
      const at = await stage.provider({ hosts: [B], ...swallowsClosingTag });
      const other = await stage.provider();
      other.send(A, B);
      at.manager.closeStream(await standing(stage, at, 'receivingStream'));
      return { at, direction: 'incoming', local: B, remote: A };
    },
    expect: expected(
      /^The stream that a\.example opened to us is ended, and it has not answered our closing tag for 3 s\.$/,
    ),
  },
];
