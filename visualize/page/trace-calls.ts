/** The requests of the page to the worker that holds a trace. */
import type { RowKind } from '../../src/trace/queries/queries.ts';

export type Asked =
  | { readonly what: 'open'; readonly file: Blob; readonly nowMs: number }
  | { readonly what: 'moveTo'; readonly index: number }
  | { readonly what: 'overview' }
  | {
      readonly what: 'rows';
      readonly kind: RowKind;
      readonly filter: string;
      readonly offset: number;
      readonly limit: number;
    }
  | { readonly what: 'actor' | 'ladder'; readonly id: string }
  | { readonly what: 'explain'; readonly pair: string }
  | { readonly what: 'history'; readonly domain: string };

export interface Call {
  readonly id: number;
  readonly asked: Asked;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly isNotAvailable: boolean };
