/** Waits for a file descriptor that Node cannot watch: at most one call of poll(2) at a time in Node's thread pool. */
import koffi from 'koffi';

/** Time limit for the call, in milliseconds: a process that ends waits for it no longer than that. */
const LONGEST_CALL_MS = 1_000;
const POLLIN = 1;

interface PollFd {
  readonly fd: number;
  readonly events: number;
  readonly revents: number;
}

interface Libc {
  readonly pipe: (ends: Int32Array) => number;
  readonly read: (fd: number, into: Uint8Array, length: number) => number;
  readonly write: (fd: number, from: Uint8Array, length: number) => number;
  readonly close: (fd: number) => number;
  readonly poll: {
    async: (fds: PollFd[], count: number, ms: number, done: (error: Error | null, ready: number) => void) => void;
  };
}

let libc: Libc | undefined;

function loadLibc(): Libc {
  if (libc !== undefined) return libc;
  const library = koffi.load(null);
  const pollFd = koffi.struct({ fd: 'int', events: 'short', revents: 'short' });
  libc = {
    pipe: library.func('int pipe(_Out_ int *ends)'),
    read: library.func('intptr_t read(int fd, _Out_ uint8_t *into, size_t length)'),
    write: library.func('intptr_t write(int fd, const uint8_t *from, size_t length)'),
    close: library.func('int close(int fd)'),
    poll: library.func('poll', 'int', [koffi.inout(koffi.pointer(pollFd)), 'unsigned long', 'int']),
  };
  return libc;
}

export class Readiness {
  readonly #libc = loadLibc();
  readonly #fd: number;
  readonly #wakeRead: number;
  readonly #wakeWrite: number;
  #waits = false;

  constructor(fd: number) {
    const ends = new Int32Array(2);
    if (this.#libc.pipe(ends) !== 0) throw new Error('no file descriptors are left');
    const [wakeRead = -1, wakeWrite = -1] = ends;
    this.#fd = fd;
    this.#wakeRead = wakeRead;
    this.#wakeWrite = wakeWrite;
  }

  /** Resolves when the descriptor can be read, `wake` is called, or LONGEST_CALL_MS have passed. One call at a time. */
  wait(): Promise<void> {
    this.#waits = true;
    const descriptors = [this.#fd, this.#wakeRead].map((fd) => ({ fd, events: POLLIN, revents: 0 }));
    return new Promise((resolve, reject) => {
      this.#libc.poll.async(descriptors, descriptors.length, LONGEST_CALL_MS, (error) => {
        this.#waits = false;
        if ((descriptors[1]?.revents ?? 0) !== 0) this.#libc.read(this.#wakeRead, new Uint8Array(1), 1);
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  /** Ends the wait that is under way, if there is one. */
  wake(): void {
    if (this.#waits) this.#libc.write(this.#wakeWrite, Uint8Array.of(1), 1);
  }

  /** Must not be called during a `wait`. */
  close(): void {
    this.#libc.close(this.#wakeRead);
    this.#libc.close(this.#wakeWrite);
  }
}
