/** The commands of an operator: connect, close, retry, block. Commands that break something ask for confirmation. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { textIn } from '../../src/trace/context.ts';
import type { ActorView } from '../../src/trace/view/view.ts';
import type { Command, Commands, Outcome } from './source.ts';

interface Offered {
  readonly label: string;
  readonly command: Command;
  /** The question asked before the command; null where it breaks nothing. */
  readonly question: string | null;
}

interface Known {
  readonly commands: readonly string[];
  readonly blocked: readonly string[];
}

/** Null until the answer arrives, and where there are no commands. */
function useKnown(commands: Commands, after: unknown): Known | null {
  const [known, setKnown] = useState<Known | null>(null);
  useEffect(() => {
    let isWanted = true;
    commands.list().then(
      (list) => {
        if (isWanted) setKnown(list);
      },
      () => undefined, // an older daemon has none
    );
    return () => {
      isWanted = false;
    };
  }, [commands, after]);
  return known;
}

export function ActorCommands({ commands, actor }: { readonly commands: Commands; readonly actor: ActorView }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [asking, setAsking] = useState<Offered | null>(null);
  const known = useKnown(commands, outcome);
  const run = async (command: Command): Promise<void> => {
    setAsking(null);
    try {
      setOutcome(await commands.run(command));
    } catch {
      setOutcome({ done: false, text: 'The daemon does not answer.' });
    }
  };
  if (known === null) return null;
  const offered = offeredFor(actor, known).filter(({ command }) => known.commands.includes(command.command));
  return (
    <span class="commands">
      {offered.map((one) => (
        <button
          key={one.label}
          type="button"
          onClick={() => (one.question === null ? void run(one.command) : setAsking(one))}
        >
          {one.label}
        </button>
      ))}
      {outcome === null ? null : <OutcomeLine outcome={outcome} />}
      {asking === null ? null : (
        <Dialog title={asking.label} close={() => setAsking(null)}>
          <p>{asking.question}</p>
          <div class="bar end">
            <button type="button" onClick={() => setAsking(null)}>
              Leave it
            </button>
            <button type="button" class="danger" onClick={() => void run(asking.command)}>
              {asking.label}
            </button>
          </div>
        </Dialog>
      )}
    </span>
  );
}

const OutcomeLine = ({ outcome: { done, text } }: { readonly outcome: Outcome }) => (
  <span class={done ? 'outcome good' : 'outcome bad'} role="status">
    {text}
  </span>
);

function offeredFor({ id, context, state, waits }: ActorView, { blocked }: Known): readonly Offered[] {
  const [local, remote] = [textIn(context['local']), textIn(context['remote'])];
  const stream = /^stream:(\d+)$/.exec(id)?.[1];
  const isBlocked = blocked.includes(remote);
  const block: readonly Offered[] =
    remote === ''
      ? []
      : isBlocked
        ? [{ label: `Unblock ${remote}`, command: { command: 'unblock', domain: remote }, question: null }]
        : [
            {
              label: `Block ${remote}`,
              command: { command: 'block', domain: remote },
              question: `Nothing more is sent to ${remote} and what is below it, or taken from there, until it is unblocked or the daemon starts anew. Its streams are closed.`,
            },
          ];
  if (stream !== undefined)
    return [
      {
        label: 'Close',
        command: { command: 'close', stream: Number(stream) },
        question: `stream:${stream} is closed. All pairs that use it need another one; what waits on it is sent on the next.`,
      },
      ...block,
    ];
  if (!id.startsWith('pair:') || local === '' || remote === '') return id.startsWith('peer:') ? block : [];
  // A pair under way cannot be retried: it is not held off.
  const isUnderWay = waits !== null && state[0] !== 'failed';
  const retry: Offered = { label: 'Retry', command: { command: 'retry', local, remote }, question: null };
  return isUnderWay ? block : [retry, ...block];
}

/** The blocked domains: their pairs are gone, so they are unblocked here. */
export function BlockedLine({ commands }: { readonly commands: Commands }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const known = useKnown(commands, outcome);
  const blocked = known?.blocked ?? [];
  if (blocked.length === 0 && outcome === null) return null;
  const unblock = async (domain: string): Promise<void> => {
    try {
      setOutcome(await commands.run({ command: 'unblock', domain }));
    } catch {
      setOutcome({ done: false, text: 'The daemon does not answer.' });
    }
  };
  return (
    <p class="bar">
      {blocked.length === 0 ? null : <span class="muted">Blocked by hand:</span>}
      {blocked.map((domain) => (
        <button key={domain} type="button" onClick={() => void unblock(domain)}>
          Unblock {domain}
        </button>
      ))}
      {outcome === null ? null : <OutcomeLine outcome={outcome} />}
    </p>
  );
}

/** Opens a stream between two domains without a stanza that needs one. */
export function ConnectButton({ commands, hosts }: { readonly commands: Commands; readonly hosts: readonly string[] }) {
  const [isOpen, setOpen] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const local = useRef<HTMLInputElement>(null);
  const remote = useRef<HTMLInputElement>(null);
  const known = useKnown(commands, null);
  if (known === null || !known.commands.includes('connect')) return null;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const command: Command = {
      command: 'connect',
      local: local.current?.value.trim() ?? '',
      remote: remote.current?.value.trim() ?? '',
    };
    try {
      setOutcome(await commands.run(command));
    } catch {
      setOutcome({ done: false, text: 'The daemon does not answer.' });
    }
  };
  const close = (): void => {
    setOpen(false);
    setOutcome(null);
  };
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Connect…
      </button>
      {isOpen ? (
        <Dialog title="Connect" close={close}>
          <form onSubmit={(event) => void submit(event)}>
            <label>
              From, a domain served here
              <input ref={local} name="local" list="hosts" required defaultValue={hosts[0] ?? ''} />
            </label>
            <datalist id="hosts">
              {hosts.map((host) => (
                <option key={host} value={host} />
              ))}
            </datalist>
            <label>
              To, a remote domain
              <input ref={remote} name="remote" required autoFocus />
            </label>
            {outcome === null ? null : <OutcomeLine outcome={outcome} />}
            <div class="bar end">
              <button type="button" onClick={close}>
                Close
              </button>
              <button type="submit" class="first">
                Connect
              </button>
            </div>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: preact.ComponentChildren;
}

/** The browser's own dialog: it keeps the focus inside, and Escape closes it. */
function Dialog({ title, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={title} onClose={close}>
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}
