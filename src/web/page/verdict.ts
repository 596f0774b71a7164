/** How something is, and why, in one sentence with its numbers. */
export interface Verdict {
  readonly tone: 'good' | 'poor' | 'bad'
  readonly words: string
}
