/** The newest step, kept apart from what runs it: a process does not become ready on an older schema, and imports no ORM to know. */
export const SCHEMA_NEEDED = 'M0008Exports';

/** Where the job queue keeps what is its own, apart from ours; a wiped queue loses no money and no fact. */
export const QUEUE_SCHEMA = 'bullmq';
