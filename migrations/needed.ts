/** The newest step, kept apart from what runs it: a process does not become ready on an older schema, and imports no ORM to know. */
export const SCHEMA_NEEDED = 'M0001Money';
