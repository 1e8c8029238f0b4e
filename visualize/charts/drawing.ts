/** A chart whose every part has its place. */
import type { Card } from './card.ts';
import type { GraphArrow, GraphState } from './graph.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface DrawnState extends Box {
  readonly state: GraphState;
  readonly card: Card;
}

export interface Line {
  readonly points: readonly Point[];
  readonly label: Box | null;
}

export interface DrawnArrow extends Line {
  readonly arrow: GraphArrow;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Outer before inner. */
  readonly states: readonly DrawnState[];
  /** What holds in any state; arrows of the machine itself leave from here. Null where there is nothing of that kind. */
  readonly anywhere: DrawnState | null;
  /** Where a machine, or a state with states within, begins, and the way from there to the state that is entered first. */
  readonly starts: readonly Box[];
  readonly startLines: readonly Line[];
  readonly arrows: readonly DrawnArrow[];
}

/** Puts the cards of a graph together: arrows that are no lines stand in the card of the state that they leave. */
export type CardOf = (state: GraphState) => Card;
