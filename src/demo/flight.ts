/** One flight of the data set. */
export interface Flight {
  /** Place in the data set, from 0: names the flight. */
  readonly row: number;
  /** Actual departure, local time of the origin read as if it were UTC, epoch milliseconds. */
  readonly departureMs: number;
  /** Minutes after the scheduled arrival; negative where it was early. */
  readonly arrivalDelay: number;
  /** Miles. */
  readonly distance: number;
  /** IATA code. */
  readonly origin: string;
  readonly destination: string;
}

/** Which flights are wanted. */
export interface FlightSelection {
  /** Share of the flights, 0 to 1, chosen by a hash of the row: the same share gives the same flights, a larger one adds to them. */
  readonly sample: number;
  /** Departures in [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
  /** Parquet file, or CSV in the form of the sample; where it is left out, the sample if it holds the selection, else `vega-datasets`. */
  readonly file?: string;
}
