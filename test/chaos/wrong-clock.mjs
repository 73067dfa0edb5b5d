// Loaded before a worker with `--import`: its clock is wrong by CHAOS_CLOCK_MS; `performance.now()` and timers go on as ever.
const wrongByMs = Number(process.env.CHAOS_CLOCK_MS);
const RightDate = Date;

globalThis.Date = class Date extends RightDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RightDate.now() + wrongByMs] : args));
  }

  static now() {
    return RightDate.now() + wrongByMs;
  }
};
