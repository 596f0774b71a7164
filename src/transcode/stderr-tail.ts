/** The last lines that a program wrote to stderr, in bounded memory. */
const MAX_LINES = 50
const MAX_LINE_CHARS = 300
/** Of one chunk only the end is looked at: a flood costs no more than a trickle. */
const MAX_CHUNK_BYTES = 8192

export interface StderrTail {
  push(chunk: Buffer): void
  readonly lines: readonly string[]
}

export const createStderrTail = (): StderrTail => {
  let lines: string[] = []
  let open = ''
  return {
    get lines() {
      return open === '' ? lines : [...lines, open].slice(-MAX_LINES)
    },
    push(chunk) {
      const parts = (open + chunk.subarray(-MAX_CHUNK_BYTES).toString('utf8')).split(/[\r\n]+/)
      open = parts.pop()!.slice(0, MAX_LINE_CHARS)
      const whole = parts.filter(line => line !== '').map(line => line.slice(0, MAX_LINE_CHARS))
      if (whole.length > 0) lines = [...lines, ...whole.slice(-MAX_LINES)].slice(-MAX_LINES)
    },
  }
}
