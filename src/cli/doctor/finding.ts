/** What one look at this machine has found. */
export interface Finding {
  /** In one or two words. */
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  /** With the numbers. */
  readonly detail: string
  /** What to do about it. */
  readonly mend?: string
  /** Of the process, when this is what it fails by. */
  readonly exitCode?: number
}
