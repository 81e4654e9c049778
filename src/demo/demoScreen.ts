/** What the demo writes: lines for people, and on a terminal one line at the bottom that is written anew. */
import { styleText } from 'node:util';

export interface ScreenOptions {
  readonly write: (text: string) => void;
  /** Whether lines can be written anew and the cursor be moved. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** Width of the terminal, asked for every line. */
  readonly columns: () => number;
  readonly nowMs: () => number;
}

export type Style = Parameters<typeof styleText>[0];

/** Time between two progress lines where each is a line of its own. */
const plainEveryMs = 10_000;

export class Screen {
  readonly #options: ScreenOptions;
  #isProgressShown = false;
  #plainShownAtMs: number;

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#plainShownAtMs = options.nowMs();
  }

  /** A text in a style, or as it is where there are no colours. */
  styled(style: Style, text: string): string {
    return this.#options.hasColours ? styleText(style, text, { validateStream: false }) : text;
  }

  line(text = ''): void {
    const clear = this.#isProgressShown ? '\r\u001b[K' : '';
    this.#isProgressShown = false;
    this.#options.write(`${clear}${text}\n`);
  }

  /** How far things are, `bar` a share from 0 to 1: the bottom line of a terminal; elsewhere a plain line now and then. */
  progress(share: number, text: string): void {
    const { isTerminal, write, nowMs, columns } = this.#options;
    if (isTerminal) {
      const width = 24;
      const done = Math.round(Math.min(1, Math.max(0, share)) * width);
      const room = columns() - width - 8;
      const shown = text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text;
      write(
        `\r\u001b[K  ${this.styled('cyan', '━'.repeat(done))}${this.styled('dim', '─'.repeat(width - done))}  ${this.styled('dim', shown)}`,
      );
      this.#isProgressShown = true;
    } else if (nowMs() - this.#plainShownAtMs >= plainEveryMs) {
      this.#plainShownAtMs = nowMs();
      write(`  ${Math.round(share * 100)} %  ${text}\n`);
    }
  }

  /** Takes the progress line away. */
  clear(): void {
    if (this.#isProgressShown) this.#options.write('\r\u001b[K');
    this.#isProgressShown = false;
  }
}
