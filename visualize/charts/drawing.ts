/** A chart with the position of every part. */
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
  /** Outer states before inner ones. */
  readonly states: readonly DrawnState[];
  /** The part that applies in any state, where arrows of the machine itself start. Null where there is none. */
  readonly anywhere: DrawnState | null;
  /** The start dots of the machine and of states with substates, and the lines from there to the initial states. */
  readonly starts: readonly Box[];
  readonly startLines: readonly Line[];
  readonly arrows: readonly DrawnArrow[];
}

/**
 * Makes the card of a state; arrows that are not drawn as lines are listed in the card of the state that they leave.
 */
export type CardOf = (state: GraphState) => Card;
