import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Screen } from '../../../src/demo/demoScreen.ts';

function screenOf(isTerminal: boolean) {
  let text = '';
  let nowMs = 0;
  const screen = new Screen({
    write: (part) => {
      text += part;
    },
    isTerminal,
    hasColours: isTerminal,
    columns: () => 60,
    nowMs: () => nowMs,
  });
  return {
    screen,
    text: () => text,
    pass: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

describe('the lines of the demo', () => {
  it('are plain text where there is no terminal, with progress every ten seconds', () => {
    const { screen, text, pass } = screenOf(false);
    screen.line(screen.styled('bold', 'head'));
    for (let tick = 0; tick < 250; tick += 1) {
      screen.progress(0.5, 'half');
      pass(100);
    }
    screen.clear();
    expect(text()).toBe('head\n  50 %  half\n  50 %  half\n');
  });

  it('write the progress line anew on a terminal, never wider than it, and take it away for the next line', () => {
    const { screen, text } = screenOf(true);
    screen.progress(0.25, 'x'.repeat(200));
    screen.line('news');
    const visible = stripVTControlCharacters(text());
    const [progress = '', news] = visible.split('\r').slice(1);
    expect(progress.length).toBeLessThan(60);
    expect(news).toBe('news\n');
    expect(text()).toContain('\u001b[36m━━━━━━\u001b[39m');
  });
});
