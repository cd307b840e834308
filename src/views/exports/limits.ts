/** What an operator may have of exports at a time, so that no key of one fills the disk that all of them write to. */
export const LIMITS = {
  /** waiting and running */
  open: 20,
  /** asked for within 24 hours, however they ended; as many schedules */
  aDay: 1_000,
  /** bytes of files as they are stored, packed; what is written of one that is under way counts */
  stored: 20_000_000_000,
  schedules: 50,
} as const;

/** Days for which the row of an export, or of a schedule, stays after its file or itself is gone. */
export const ROW_DAYS = 60;

export const gigabytes = (bytes: number): string => `${Math.round(bytes / 1e8) / 10} GB`;
