/** The kit could not judge: said in one sentence, exit status 2. */
export class CannotRun extends Error {}
