/** What one run of a bench file (`export async function run(): Promise<BenchResult>`) brings. */
export interface BenchResult {
  readonly name: string;
  /** Figures by name; the name ends in the unit (`pushNs`, `sketchBytes`). */
  readonly figures: Readonly<Record<string, number>>;
  /** How many times better than the peer, measured in the same run. */
  readonly ratios: Readonly<Record<string, number>>;
  /** What was compared, on which input: one paragraph. */
  readonly compared: string;
}
