/** A real browser for the tests of pages. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** The browser's program: CHROMIUM_PATH, else the first of the usual names on the PATH. Throws, with what to install, where there is none. */
function chromiumPath(): string {
  const chosen = process.env.CHROMIUM_PATH;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = chosen === undefined ? names.flatMap((name) => folders.map((folder) => join(folder, name))) : [chosen];
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  const where = chosen === undefined ? `none of ${names.join(', ')} is on the PATH` : `CHROMIUM_PATH is ${chosen}, which cannot be run`;
  throw new Error(
    `The tests of pages need Chromium: ${where}. Install it ("apt-get install chromium", "brew install chromium") or set CHROMIUM_PATH.`,
  );
}

/** Starts a browser; the caller closes it. */
export function launchChromium(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  return chromium.launch({ executablePath: chromiumPath(), args });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
