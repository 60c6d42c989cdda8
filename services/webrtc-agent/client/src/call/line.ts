/** Notices that nothing arrives any more, seconds before the browser itself says so. */

/** Sound arrives fifty times a second, also in silence. */
const SILENT_MS = 1800;
const LOOK_MS = 400;
/** Looks in a row at which more has arrived: what a network held back and brings at once is no line that carries. */
const STREAK = 3;

export class LineWatch {
  private timer: ReturnType<typeof setInterval> | null = null;
  private count = -1;
  private changed = 0;
  private looked = 0;
  private looking = false;
  private streak = 0;
  private readonly arrived: () => Promise<number | null>;
  private readonly tell: (steady: boolean) => void;
  private readonly clock: () => number;
  steady = true;

  /**
   * @param arrived Counts what has arrived so far; null where that cannot be known now.
   * @param tell Called with each change.
   */
  constructor(
    arrived: () => Promise<number | null>,
    tell: (steady: boolean) => void,
    clock: () => number = () => performance.now(),
  ) {
    this.arrived = arrived;
    this.tell = tell;
    this.clock = clock;
  }

  start(): void {
    this.stop();
    this.steady = true;
    this.count = -1;
    this.changed = this.looked = this.clock();
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer ?? undefined);
    this.timer = null;
  }

  /** The browser itself has given the line up: it counts again when enough arrives, and not before. */
  doubt(): void {
    this.steady = false;
    this.streak = 0;
  }

  async look(): Promise<void> {
    if (this.looking) {
      return;
    }
    this.looking = true;
    const count = await this.arrived().catch(() => null);
    this.looking = false;
    const now = this.clock();
    // A page that was asleep has looked at nothing meanwhile.
    if (count === null || count !== this.count || now - this.looked > SILENT_MS) {
      this.changed = now;
    }
    const came = count !== null && count !== this.count && this.count >= 0;
    this.looked = now;
    this.count = count ?? this.count;
    this.streak = came ? this.streak + 1 : 0;
    const steady = this.steady ? now - this.changed < SILENT_MS : this.streak >= STREAK;
    if (steady !== this.steady && this.timer !== null) {
      this.steady = steady;
      this.streak = 0;
      this.tell(steady);
    }
  }
}
