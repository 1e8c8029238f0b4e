/** Reads and replays a trace in a worker, so that the page stays responsive meanwhile. */
import './node/buffer.ts';
import { NotAvailable } from './source.ts';
import { TraceBook } from './trace-book.ts';
import { chunksOf } from './trace-bytes.ts';
import type { Answer, Asked, Call } from './trace-calls.ts';

let book: TraceBook | null = null;

self.addEventListener('message', ({ data }: MessageEvent<Call>) => {
  void answered(data).then((answer) => self.postMessage(answer));
});

async function answered({ id, asked }: Call): Promise<Answer> {
  try {
    return { id, value: await answerTo(asked) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { id, error: text, isNotAvailable: error instanceof NotAvailable };
  }
}

async function answerTo(asked: Asked): Promise<unknown> {
  if (asked.what === 'open') {
    book = await TraceBook.open(chunksOf(asked.file), asked.nowMs);
    return book.moment;
  }
  if (book === null) throw new Error('no trace is open');
  switch (asked.what) {
    case 'moveTo':
      return book.moveTo(asked.index);
    case 'overview':
      return book.overview();
    case 'rows':
      return book.rows(asked.kind, asked.filter, asked.offset, asked.limit);
    case 'actor':
      return book.actor(asked.id);
    case 'explain':
      return book.explain(asked.pair);
    case 'ladder':
      return book.ladder(asked.id);
    case 'history':
      return book.history(asked.domain);
  }
}
