/** Detects that nothing arrives any more, seconds before the browser reports it. */

/** Audio packets arrive fifty times a second, also during silence. */
const SILENT_MS = 1800;
const LOOK_MS = 400;
/** Consecutive checks that must see new packets: a burst of packets that the network held back is not a recovery. */
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
   * @param arrived Returns the number of packets so far; null if it is unknown.
   * @param tell Called on each change.
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

  /** The browser reports a lost connection: it counts as steady again only when enough packets arrive. */
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
    // A suspended page made no checks in between.
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
