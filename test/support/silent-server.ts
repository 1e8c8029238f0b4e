/** A server that says what it should, up to a given step, and then nothing more. */
import { EXTERNAL_FEATURE, features, header, PROCEED, type ScriptedStream, STARTTLS } from './simulation-peer.ts';

/** What a server says, step by step; it falls silent after `steps` steps. */
const SERVER_STEPS: readonly ((stream: ScriptedStream) => void)[] = [
  (stream) => stream.write(header(`from='b.example' to='a.example' id='one'`)),
  (stream) => stream.write(features(STARTTLS)),
  (stream) => stream.write(PROCEED),
  (stream) => stream.secureAsServer('b.example'),
  (stream) => stream.write(header(`from='b.example' to='a.example' id='two'`).replace(/ xmlns:db='[^']*'/, '')),
  (stream) => stream.write(features(EXTERNAL_FEATURE)),
  (stream) => stream.write(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`),
  (stream) => stream.write(header(`from='b.example' to='a.example' id='three'`)),
];
/** The text that must arrive before each step, so that nothing is said too early. */
const SERVER_CUES = [
  '<stream:stream',
  '<stream:stream',
  '<starttls',
  null,
  '<stream:stream',
  null,
  '<auth',
  '<stream:stream',
];

export function silentServer(steps: number): (stream: ScriptedStream) => void {
  const reached = new WeakMap<ScriptedStream, number>();
  return (stream) => {
    for (;;) {
      const at = reached.get(stream) ?? 0;
      const cue = SERVER_CUES[at];
      if (at >= steps || cue === undefined) return;
      // The client's header triggers two steps: the response header, and the features after it.
      const isCued = cue === null || stream.text.includes(cue);
      if (!isCued) return;
      reached.set(stream, at + 1);
      if (cue !== null && at !== 0) stream.text = '';
      SERVER_STEPS[at]?.(stream);
    }
  };
}
