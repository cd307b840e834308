/** Something the person at the terminal can put right; its message is the one sentence to print, without a stack. */
export class CannotStart extends Error {
  override name = 'CannotStart';
}
