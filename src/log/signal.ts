/** Something happened: wakes those who wait for a condition, in the order in which they began to wait. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  raise(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves when the condition holds (looked at now and at each `raise`) or the limit resolves. */
  until(isReady: () => boolean, limit: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        this.#waiting.delete(check);
        resolve();
      };
      const check = () => {
        if (isReady()) finish();
      };
      this.#waiting.add(check);
      check();
      limit.then(finish, finish);
    });
  }
}
