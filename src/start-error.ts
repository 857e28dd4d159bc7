/** A start or command that cannot go on for a reason the operator can mend; the message says how. */
export class StartError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = 1,
  ) {
    super(message);
    this.name = 'StartError';
  }
}
